//! `%(name)s` in a value stands for another option of the same section or of DEFAULT, `%%` for a percent sign.
//! Any other percent sign is taken literally: a password may hold one.

/// As deep as Python's `configparser` goes.
const MAX_DEPTH: usize = 10;

/// The value with its references replaced. References that go round in circles leave it as it is.
pub(super) fn interpolate<'a>(raw: &str, lookup: &impl Fn(&str) -> Option<&'a str>) -> String {
    expand(raw, lookup, 1).unwrap_or_else(|| raw.to_owned())
}

/// `None` if the references go too deep.
fn expand<'a>(raw: &str, lookup: &impl Fn(&str) -> Option<&'a str>, depth: usize) -> Option<String> {
    let mut value = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('%') {
        if depth > MAX_DEPTH {
            return None;
        }
        value.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some((text, after)) = reference(rest).and_then(|(name, after)| Some((lookup(&name)?, after))) {
            value.push_str(&expand(text, lookup, depth + 1)?);
            rest = after;
        } else {
            value.push('%');
            rest = rest.strip_prefix("%%").unwrap_or(&rest[1..]);
        }
    }
    value.push_str(rest);
    Some(value)
}

/// The name in a reference at the start of the text, and what follows it.
fn reference(text: &str) -> Option<(String, &str)> {
    let (name, after) = text.strip_prefix("%(")?.split_once(')')?;
    Some((name.to_lowercase(), after.strip_prefix('s')?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(raw: &str) -> String {
        interpolate(raw, &|name| match name {
            "dir" => Some("/opt"),
            "deep" => Some("%(dir)s/%%"),
            "circle" => Some("%(circle)s"),
            _ => None,
        })
    }

    #[test]
    fn references_are_replaced() {
        assert_eq!(value("%(dir)s/x"), "/opt/x");
        assert_eq!(value("%(DIR)s:%(deep)s"), "/opt:/opt/%");
        assert_eq!(value("100%%"), "100%");
        assert_eq!(value("%%(dir)s"), "%(dir)s");
    }

    #[test]
    fn what_is_no_reference_is_literal() {
        for literal in ["pass%word", "%", "a%", "%(", "%(dir", "%(dir)d", "%(nope)s", "%()s", "%(circle)s", "é%é"] {
            assert_eq!(value(literal), literal);
        }
    }
}
