//! The current time, dates from servers, and dates as text: all in UTC.

use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use reqwest::header::{DATE, HeaderMap};

const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// Returns the current time in seconds since 1970, UTC.
pub(crate) fn unix_time() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs() as i64)
}

/// Formats a time in seconds since 1970: `2026-11-24 06:00:00 UTC`.
pub(crate) fn date(seconds: i64) -> String {
    let date = DateTime::from_timestamp(seconds, 0);
    date.map_or_else(|| format!("second {seconds}"), |date| date.format("%Y-%m-%d %H:%M:%S UTC").to_string())
}

/// Parses `Tue, 15 Sep 2015 12:00:00 UTC` as leniently as Python's `strptime` (any case, any amount of white space,
/// any weekday); anything else is not a date.
pub(crate) fn server_date(text: &str) -> Option<NaiveDateTime> {
    let (weekday, rest) = text.strip_suffix(" UTC")?.split_once(',')?;
    position(&WEEKDAYS, weekday)?;
    let mut words = rest.strip_prefix(char::is_whitespace)?.split_whitespace();
    let day = digits(words.next()?, 1..=2)?;
    let month = position(&MONTHS, words.next()?)?;
    let year = digits(words.next()?, 4..=4)?;
    let mut clock = words.next()?.split(':').map(|part| digits(part, 1..=2));
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    if words.next().is_some() || clock.next().is_some() || year == 0 {
        return None;
    }
    NaiveDate::from_ymd_opt(year.try_into().ok()?, month + 1, day)?.and_hms_opt(hour, minute, second)
}

fn position(names: &[&str], word: &str) -> Option<u32> {
    names.iter().position(|name| name.eq_ignore_ascii_case(word)).and_then(|index| index.try_into().ok())
}

fn digits(word: &str, width: std::ops::RangeInclusive<usize>) -> Option<u32> {
    let plain = width.contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| word.parse().ok()).flatten()
}

/// Returns the `Date` header of a response in seconds since 1970 (RFC 9110, 6.6.1).
pub(crate) fn date_header(headers: &HeaderMap) -> Option<i64> {
    let date = httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()?;
    i64::try_from(date.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_shown_in_utc() {
        assert_eq!(date(60), "1970-01-01 00:01:00 UTC");
        assert_eq!(date(i64::MAX), format!("second {}", i64::MAX));
    }

    #[test]
    fn date_parses_what_strptime_parses() {
        let cases = [
            ("Tue, 15 Sep 2015 12:00:00 UTC", Some("2015-09-15 12:00:00")),
            ("Mon, 15 Sep 2015 12:00:00 UTC", Some("2015-09-15 12:00:00")),
            ("tue,  5 SEP 2015  1:2:3  UTC", Some("2015-09-05 01:02:03")),
            ("Tue, 15 Sep 0999 12:00:00 UTC", Some("0999-09-15 12:00:00")),
            ("Tue,15 Sep 2015 12:00:00 UTC", None),
            (" Tue, 15 Sep 2015 12:00:00 UTC", None),
            ("Tue, 15 Sep 2015 12:00:00 UTC ", None),
            ("Tue, 15 Sep 2015 12:00:00 utc", None),
            ("Tue, 31 Feb 2015 12:00:00 UTC", None),
            ("Tue, 15 Sep 2015 24:00:00 UTC", None),
            ("Tue, 15 Sep 2015 12:00:60 UTC", None),
            ("Tue, 15 Sep 2015 12:00 UTC", None),
            ("Tue, 00 Sep 2015 12:00:00 UTC", None),
            ("Tue, 15 Sep 0000 12:00:00 UTC", None),
            ("at noon UTC", None),
        ];
        for (text, want) in cases {
            assert_eq!(server_date(text).map(|date| date.to_string()).as_deref(), want, "{text}");
        }
    }
}
