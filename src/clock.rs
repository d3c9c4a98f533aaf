//! The current time, and times as text.

use std::time::{SystemTime, UNIX_EPOCH};

use chrono::DateTime;

/// Returns the current time in seconds since 1970, UTC.
pub(crate) fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs() as i64)
}

/// Formats a time in seconds since 1970: `2026-11-24 06:00:00 UTC`.
pub(crate) fn date(seconds: i64) -> String {
    let date = DateTime::from_timestamp(seconds, 0);
    date.map_or_else(|| format!("second {seconds}"), |date| date.format("%Y-%m-%d %H:%M:%S UTC").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_told_in_utc() {
        assert_eq!(date(60), "1970-01-01 00:01:00 UTC");
        assert_eq!(date(i64::MAX), format!("second {}", i64::MAX));
    }
}
