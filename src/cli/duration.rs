//! Parses durations: `90`, `1.5`, `30s`, `10m`, `2h`, `14d`, `2w`, `1h30m`. All options that take seconds use these functions.

use std::time::Duration;

const EXPECTED: &str = "expected seconds, or a duration such as 30s, 10m, 2h, 14d, 1h30m";

/// Parses a duration; a number without a unit is seconds. The error is a message for the user.
pub(super) fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || EXPECTED.to_owned();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).map_err(|_| wrong());
    }
    let mut whole = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
        let unit = match rest.as_bytes()[end] {
            b's' => 1.0,
            b'm' => 60.0,
            b'h' => 3600.0,
            b'd' => 86400.0,
            b'w' => 7.0 * 86400.0,
            _ => return Err(wrong()),
        };
        let number = rest[..end].parse::<f64>().map_err(|_| wrong())?;
        let part = Duration::try_from_secs_f64(number * unit).map_err(|_| wrong())?;
        whole = whole.checked_add(part).ok_or_else(wrong)?;
        rest = &rest[end + 1..];
    }
    if text.is_empty() { Err(wrong()) } else { Ok(whole) }
}

/// Parses whole seconds: an integer, which may be negative as in the official client, or a duration.
pub(super) fn whole_seconds(text: &str) -> Result<i64, String> {
    if let Ok(seconds) = text.parse() {
        return Ok(seconds);
    }
    let duration = parse(text)?;
    // Without a unit only integers, as in the official client.
    if duration.subsec_nanos() != 0 || text.parse::<f64>().is_ok() {
        return Err("expected whole seconds, or a duration such as 30s, 10m, 2h, 14d, 1h30m".to_owned());
    }
    i64::try_from(duration.as_secs()).map_err(|_| EXPECTED.to_owned())
}

/// Parses seconds: a number, which may be negative as in the official client, or a duration.
pub(super) fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) => Ok(seconds),
        Err(_) => parse(text).map(|duration| duration.as_secs_f64()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_parse_with_and_without_units() {
        for (text, seconds) in [
            ("90", 90.0),
            ("0.1", 0.1),
            ("0", 0.0),
            ("30s", 30.0),
            ("10m", 600.0),
            ("1.5h", 5400.0),
            ("1d", 86400.0),
            ("2w", 1_209_600.0),
            ("1h30m", 5400.0),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_secs_f64(seconds)), "{text}");
        }
        for text in ["", "m", "-1", "10 m", "10x", "5m3", "inf", "nan", "1e400d", "10é", "..s"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_of_options_are_numbers_of_seconds_or_have_units() {
        let whole = [("0", 0), ("-5", -5), ("+7", 7), ("14d", 1_209_600), ("1.5h", 5400), ("1h30m", 5400)];
        for (text, expected) in whole {
            assert_eq!(whole_seconds(text), Ok(expected), "{text}");
        }
        for text in ["", "x", "1.5", "0.5s", "-2h", "14 d", "14D", "9223372036854775808", "1e3"] {
            assert!(whole_seconds(text).is_err(), "{text}");
        }
        for (text, expected) in [("30.5", 30.5), ("-1", -1.0), ("0.5s", 0.5), ("2h", 7200.0)] {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
        assert!(seconds("soon").is_err());
    }
}
