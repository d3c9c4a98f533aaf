//! Units of sizes that users type: `10GB`, `1.5M`.

/// Splits a size into its number and its unit, the letters at its end.
pub(crate) fn split(size: &str) -> (&str, &str) {
    let number = size.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    (number, &size[number.len()..])
}

/// Returns the factor of a decimal prefix, in upper or lower case; 1 without a prefix.
pub(crate) fn decimal_factor(prefix: &str) -> Option<i64> {
    match prefix.to_ascii_lowercase().as_str() {
        "" => Some(1),
        "k" => Some(1_000),
        "m" => Some(1_000_000),
        "g" => Some(1_000_000_000),
        "t" => Some(1_000_000_000_000),
        "p" => Some(1_000_000_000_000_000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_is_split_before_its_unit() {
        for (size, parts) in [("10GB", ("10", "GB")), ("1.5M", ("1.5", "M")), ("7", ("7", "")), ("ü", ("ü", ""))] {
            assert_eq!(split(size), parts, "{size:?}");
        }
    }

    #[test]
    fn decimal_factor_ignores_case() {
        for (prefix, factor) in [("", Some(1)), ("k", Some(1000)), ("M", Some(1_000_000)), ("Ki", None), ("e", None)] {
            assert_eq!(decimal_factor(prefix), factor, "{prefix:?}");
        }
    }
}
