//! Numbers formatted as in Python, and sizes formatted as in the official client.

/// A number from the server, or calculated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Num {
    /// A Python `int`.
    Int(i128),
    /// A Python `float`; an account limit may be infinite.
    Float(f64),
}

macro_rules! from_integer {
    ($($integer:ty),*) => {
        $(impl From<$integer> for Num {
            fn from(value: $integer) -> Self {
                Self::Int(value.into())
            }
        })*
    };
}
from_integer!(i32, u32, i64, u64, i128);

impl From<f64> for Num {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl Num {
    /// Returns the number in a JSON value, if it is one.
    pub fn from_json(value: &serde_json::Value) -> Option<Self> {
        let number = value.as_number()?;
        number.as_i128().map(Self::Int).or_else(|| number.as_f64().map(Self::Float))
    }
}

/// Formats a size in bytes: `1.234 GB` if `human` (steps of 1000), else the plain number; `None` is `0.0 B`.
pub fn sizefmt(bytes: Option<Num>, human: bool) -> String {
    let size = match bytes {
        None => return "0.0 B".to_owned(),
        Some(Num::Float(float)) if float.is_infinite() => return "Inf".to_owned(),
        Some(Num::Int(int)) if !human => return int.to_string(),
        Some(Num::Int(int)) => int as f64,
        // Adding zero turns -0.0 into 0.0.
        Some(Num::Float(float)) => float.trunc() + 0.0,
    };
    if human { human_size(size) } else { format!("{size:.0}") }
}

fn human_size(mut size: f64) -> String {
    for unit in ["", "k", "M", "G", "T", "P", "E", "Z"] {
        if size.abs() < 1000.0 {
            return format!("{size:.3} {unit}B");
        }
        size /= 1000.0;
    }
    format!("{size:.1} YB")
}

/// Rounds like Python's `round(value, digits)`.
pub fn python_round(value: f64, digits: usize) -> f64 {
    format!("{value:.digits$}").parse().unwrap_or(value)
}

/// Formats like Python's `str(round(value, digits))`.
pub fn rounded(value: f64, digits: usize) -> String {
    float_repr(python_round(value, digits))
}

/// Formats a float like Python's `str()` and `repr()`: the shortest digits that parse to the same value.
pub fn float_repr(value: f64) -> String {
    let shortest = format!("{value:e}");
    // Of two equally short and equally near results Rust takes the upper one, Python the one with an even digit.
    let behind = shortest.split_once('e').map_or(0, |(digits, _)| digits.split_once('.').map_or(0, |(_, d)| d.len()));
    let Some((digits, exponent)) = scientific(value, behind) else {
        return special(value);
    };
    match exponent {
        -4..=15 => format!("{value:.*}", usize::try_from(behind as i32 - exponent).unwrap_or(0).max(1)),
        _ => with_exponent(&digits, exponent),
    }
}

/// Formats like Python's `format(value, 'g')`: six significant digits, no trailing zeros.
pub fn general(value: f64) -> String {
    let Some((digits, exponent)) = scientific(value, 5) else {
        return special(value);
    };
    match exponent {
        -4..=5 => without_zeros(&with_point(&digits, exponent)).to_owned(),
        _ => with_exponent(without_zeros(&digits), exponent),
    }
}

/// Returns the digits, one before the point and `behind` after it, and the power of ten. `None` if not finite.
fn scientific(value: f64, behind: usize) -> Option<(String, i32)> {
    let text = format!("{value:.behind$e}");
    let (digits, exponent) = text.split_once('e')?;
    Some((digits.to_owned(), exponent.parse().ok()?))
}

/// Formats the digits of a scientific number in positional notation.
fn with_point(digits: &str, exponent: i32) -> String {
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |digits| ("-", digits));
    let digits = digits.replace('.', "");
    match usize::try_from(exponent) {
        Ok(whole) => format!("{sign}{}.{}", &digits[..=whole], &digits[whole + 1..]),
        Err(_) => format!("{sign}0.{digits:0>width$}", width = digits.len() + exponent.unsigned_abs() as usize - 1),
    }
}

fn with_exponent(digits: &str, exponent: i32) -> String {
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

fn without_zeros(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

fn special(value: f64) -> String {
    let name = if value.is_nan() { "nan" } else { "inf" };
    if value < 0.0 { format!("-{name}") } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn float_repr_is_as_in_python() {
        let cases = [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1.5e16, "1.5e+16"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1_917_166_012_932_385.0 + 0.25, "1917166012932385.2"),
            (9007199254740994.0, "9007199254740994.0"),
            (f64::MAX, "1.7976931348623157e+308"),
            (5e-324, "5e-324"),
            (f64::NAN, "nan"),
            (f64::NEG_INFINITY, "-inf"),
        ];
        for (value, want) in cases {
            assert_eq!(float_repr(value), want);
        }
    }

    #[test]
    fn float_general_format_is_as_in_python() {
        let cases = [
            (0.0, "0"),
            (-0.0, "-0"),
            (123456.0, "123456"),
            (1234567.0, "1.23457e+06"),
            (999999.5, "1e+06"),
            (0.00012345678, "0.000123457"),
            (0.00001, "1e-05"),
            (100.0, "100"),
            (f64::INFINITY, "inf"),
            (-f64::NAN, "nan"),
        ];
        for (value, want) in cases {
            assert_eq!(general(value), want);
        }
    }

    #[test]
    fn sizes_are_as_in_the_official_client() {
        let human = |num: Num| sizefmt(Some(num), true);
        assert_eq!(sizefmt(None, true), "0.0 B");
        assert_eq!(human(0.into()), "0.000 B");
        assert_eq!(human(999.into()), "999.000 B");
        assert_eq!(human((-1500).into()), "-1.500 kB");
        assert_eq!(human(999_999_999_i64.into()), "1000.000 MB");
        assert_eq!(human((-0.5).into()), "0.000 B");
        assert_eq!(human(1234.9.into()), "1.234 kB");
        assert_eq!(human(10_i128.pow(27).into()), "1000.0 YB");
        assert_eq!(human(f64::INFINITY.into()), "Inf");
        assert_eq!(sizefmt(Some(f64::INFINITY.into()), false), "Inf");
        assert_eq!(sizefmt(Some(1e23.into()), false), "99999999999999991611392");
        assert_eq!(sizefmt(Some((-7).into()), false), "-7");
    }

    #[test]
    fn rounding_is_as_in_python() {
        let cases = [(2.675, "2.67"), (0.125, "0.12"), (0.375, "0.38"), (1.0, "1.0"), (0.019, "0.02"), (1e22, "1e+22")];
        for (value, want) in cases {
            assert_eq!(rounded(value, 2), want);
        }
    }
}
