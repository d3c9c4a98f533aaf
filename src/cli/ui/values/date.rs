//! Dates formatted as Python does.

use chrono::{Datelike, NaiveDateTime, Timelike};

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
    let year = date.year();
    let month = date.month();
    let day = date.day();
    format!("datetime.datetime({year}, {month}, {day}, {}, {}{seconds})", date.hour(), date.minute())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::server_date;

    #[test]
    fn date_repr_drops_zero_seconds() {
        let date = server_date("Tue, 15 Sep 2015 12:00:07 UTC").unwrap();
        assert_eq!(repr(&date), "datetime.datetime(2015, 9, 15, 12, 0, 7)");
    }
}
