//! Times relative to now, for tables that are too wide for the terminal.

use chrono::NaiveDateTime;

/// Ending of the headers of times, which relative ones need not have.
const UTC: &str = " (UTC)";
/// Units in seconds, each used from this many of them on.
const UNITS: [(i64, i64, &str); 4] = [(365 * 86_400, 2, "y"), (86_400, 2, "d"), (3600, 2, "h"), (60, 1, "m")];

/// Returns the header of a column of relative times.
pub(super) fn header(text: &str) -> &str {
    text.strip_suffix(UTC).unwrap_or(text)
}

/// Writes a time such as `2026-11-30 12:00:00` as `in 29d` or `3h ago`; `None` if the text is not a time.
pub(super) fn relative(text: &str, now: NaiveDateTime) -> Option<String> {
    let time = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").ok()?;
    let seconds = (time - now).num_seconds();
    let amount = UNITS.iter().find(|(unit, from, _)| seconds.abs() >= unit * from);
    Some(match amount {
        None => "now".to_owned(),
        Some((unit, _, name)) if seconds > 0 => format!("in {}{name}", seconds / unit),
        Some((unit, _, name)) => format!("{}{name} ago", -seconds / unit),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_relative_in_their_largest_unit() {
        let now = NaiveDateTime::parse_from_str("2026-11-30 12:00:00", "%Y-%m-%d %H:%M:%S").unwrap();
        for (text, expected) in [
            ("2026-11-30 12:00:59", "now"),
            ("2026-11-30 11:59:01.5", "now"),
            ("2026-11-30 12:01:00", "in 1m"),
            ("2026-11-30 10:30:00", "90m ago"),
            ("2026-12-02 11:59:59", "in 47h"),
            ("2026-12-30 12:00:00", "in 30d"),
            ("2025-11-30 12:00:00", "365d ago"),
            ("2030-11-30 12:00:00", "in 4y"),
        ] {
            assert_eq!(relative(text, now).as_deref(), Some(expected), "{text}");
        }
        for text in ["", "None", "2026-11-30", "user.jdoe:2026-11-30 12:00:00"] {
            assert_eq!(relative(text, now), None, "{text}");
        }
        assert_eq!((header("EXPIRES (UTC)"), header("RSE")), ("EXPIRES", "RSE"));
    }
}
