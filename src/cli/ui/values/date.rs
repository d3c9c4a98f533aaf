//! Dates of the server, parsed and formatted as Python does.

use chrono::{Datelike, NaiveDate, NaiveDateTime, Timelike};

const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// Parses `Tue, 15 Sep 2015 12:00:00 UTC` as leniently as Python's `strptime` (any case, any amount of white space,
/// any weekday); anything else is not a date.
pub fn server_date(text: &str) -> Option<NaiveDateTime> {
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

/// Formats a date like `str()` of a `datetime` without microseconds.
pub(super) fn to_str(date: &NaiveDateTime) -> String {
    date.format("%Y-%m-%d %H:%M:%S").to_string()
}

/// Formats a date like `repr()` of a `datetime` without microseconds: zero seconds are omitted.
pub(super) fn repr(date: &NaiveDateTime) -> String {
    let seconds = match date.second() {
        0 => String::new(),
        second => format!(", {second}"),
    };
    let (year, month, day) = (date.year(), date.month(), date.day());
    format!("datetime.datetime({year}, {month}, {day}, {}, {}{seconds})", date.hour(), date.minute())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_strptime_reads() {
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
            assert_eq!(server_date(text).as_ref().map(to_str).as_deref(), want, "{text}");
        }
    }

    #[test]
    fn repr_drops_zero_seconds() {
        let date = server_date("Tue, 15 Sep 2015 12:00:07 UTC").unwrap();
        assert_eq!(repr(&date), "datetime.datetime(2015, 9, 15, 12, 0, 7)");
    }
}
