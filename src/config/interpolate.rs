//! Interpolation: `%(name)s` in a value is replaced by another option of the same section or of DEFAULT, `%%` by a
//! percent sign. Any other percent sign is literal: a password may contain one.

/// Maximum depth, the same as in Python's `configparser`.
const MAX_DEPTH: usize = 10;
/// Maximum number of references: a few lines that each contain many would otherwise exhaust memory.
const MAX_REFERENCES: usize = 1000;
/// Maximum length of an interpolated value, in bytes.
const MAX_LENGTH: usize = 1 << 20;

/// Returns the value with its references replaced. A value with circular or too many references is returned unchanged.
pub(super) fn interpolate<'a>(raw: &str, lookup: &impl Fn(&str) -> Option<&'a str>) -> String {
    let mut left = MAX_REFERENCES;
    expand(raw, lookup, 1, &mut left).unwrap_or_else(|| raw.to_owned())
}

/// Returns `None` if the references are nested too deeply, exceed `left`, or make the value too long.
fn expand<'a>(raw: &str, lookup: &impl Fn(&str) -> Option<&'a str>, depth: usize, left: &mut usize) -> Option<String> {
    let mut value = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('%') {
        if depth > MAX_DEPTH {
            return None;
        }
        value.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some((text, after)) = reference(rest).and_then(|(name, after)| Some((lookup(&name)?, after))) {
            *left = left.checked_sub(1)?;
            value.push_str(&expand(text, lookup, depth + 1, left)?);
            rest = after;
            if value.len() > MAX_LENGTH {
                return None;
            }
        } else {
            value.push('%');
            rest = rest.strip_prefix("%%").unwrap_or(&rest[1..]);
        }
    }
    value.push_str(rest);
    Some(value)
}

/// Parses a reference at the start of the text; returns its name and the rest.
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
    fn interpolation_replaces_references() {
        assert_eq!(value("%(dir)s/x"), "/opt/x");
        assert_eq!(value("%(DIR)s:%(deep)s"), "/opt:/opt/%");
        assert_eq!(value("100%%"), "100%");
        assert_eq!(value("%%(dir)s"), "%(dir)s");
    }

    #[test]
    fn interpolation_does_not_fill_the_memory() {
        let levels: Vec<_> = (0..8).map(|level| format!("%({})s", level + 1).repeat(99)).collect();
        let lookup = |name: &str| name.parse().ok().and_then(|level: usize| levels.get(level)).map(String::as_str);
        assert_eq!(interpolate("%(0)s", &lookup), "%(0)s");
        let long = "x".repeat(MAX_LENGTH / 2 + 1);
        assert_eq!(interpolate("%(a)s%(a)s", &|_| Some(&long)), "%(a)s%(a)s");
        assert_eq!(interpolate("%(a)s", &|_| Some(&long)), long);
    }

    #[test]
    fn interpolation_keeps_what_is_no_reference() {
        for literal in ["pass%word", "%", "a%", "%(", "%(dir", "%(dir)d", "%(nope)s", "%()s", "%(circle)s", "é%é"] {
            assert_eq!(value(literal), literal);
        }
    }
}
