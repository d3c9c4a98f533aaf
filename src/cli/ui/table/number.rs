//! Text that tabulate treats as numbers: what Python's `int()` and `float()` parse, and `1,234.5`.

/// Whether the character is white space in Python.
pub(super) fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\x1c'..='\x1f')
}

/// Whether Python's `int()` parses the text.
pub(super) fn is_int(text: &str) -> bool {
    let text = trim(text);
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    digits.split('_').all(|run| !run.is_empty() && run.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Parses what Python's `float()` parses.
pub(super) fn parse_float(text: &str) -> Option<f64> {
    let text = trim(text);
    if !text.contains('_') {
        return text.parse().ok();
    }
    let bytes = text.as_bytes();
    let digit_at = |index: Option<usize>| index.and_then(|i| bytes.get(i)).is_some_and(u8::is_ascii_digit);
    let between_digits = |index: usize| digit_at(index.checked_sub(1)) && digit_at(Some(index + 1));
    let valid = text.match_indices('_').all(|(index, _)| between_digits(index));
    valid.then(|| text.replace('_', "").parse().ok()).flatten()
}

/// Whether tabulate treats the text as a float: overflow is not one, but `inf`, `-inf` and `nan` are.
pub(super) fn is_float(text: &str) -> bool {
    let word = || ["inf", "-inf", "nan"].iter().any(|word| word.eq_ignore_ascii_case(text));
    parse_float(text).is_some_and(|value| value.is_finite() || word())
}

/// Whether the text looks like `1,234.5`; empty text, up to three digits and `.5` do, too.
pub(super) fn has_thousands(text: &str) -> bool {
    let text = text.strip_suffix('\n').unwrap_or(text);
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(whole, fraction)| (whole, Some(fraction)));
    let decimals = fraction.is_none_or(all_digits);
    if whole.is_empty() { decimals && fraction != Some("") } else { decimals && is_grouped(whole) }
}

fn is_grouped(whole: &str) -> bool {
    let mut groups = whole.strip_prefix(['+', '-']).unwrap_or(whole).split(',');
    let first = groups.next().is_some_and(|run| (1..=3).contains(&run.len()) && all_digits(run));
    first && groups.all(|run| run.len() == 3 && all_digits(run))
}

fn all_digits(run: &str) -> bool {
    run.bytes().all(|byte| byte.is_ascii_digit())
}

/// Removes the white space that `int()` and `float()` ignore, which is less in ASCII text.
fn trim(text: &str) -> &str {
    if text.is_ascii() {
        text.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\x0b')
    } else {
        text.trim_matches(is_space)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_recognised() {
        assert!(["1", "-0", "+12", " 7\n", "1_000", "\u{a0}5"].into_iter().all(is_int));
        assert!(!["", "_1", "1__0", "1_", "+ 1", "1.", "0x1", "\x1c5", "e"].into_iter().any(is_int));
    }

    #[test]
    fn floats_are_recognised() {
        assert!(["1.", ".5", "1e5", "-1_0.5e1_0", "INF", "-inf", "NaN", " 1.5 "].into_iter().all(is_float));
        assert!(!["", ".", "e5", "1_.5", "1e400", "infinity", "+inf", " nan", "1,0"].into_iter().any(is_float));
    }

    #[test]
    fn thousands_are_recognised() {
        assert!(["", "\n", "1", ".5", "1.", "1,000", "-1,000,000.25", "999\n"].into_iter().all(has_thousands));
        assert!(![".", "1000", "1,0000", ",000", "1,000.0a", "+.5", "1,00"].into_iter().any(has_thousands));
    }
}
