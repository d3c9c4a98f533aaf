//! Parses durations: `90`, `1.5`, `30s`, `10m`, `2h`, `1d`, `1h30m`.

use std::time::Duration;

/// Parses a duration; a number without a unit is seconds. The error is a message for the user.
pub(super) fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || "expected seconds, or a duration like 30s, 10m, 2h, 1d, 1h30m".to_owned();
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
            _ => return Err(wrong()),
        };
        let number = rest[..end].parse::<f64>().map_err(|_| wrong())?;
        let part = Duration::try_from_secs_f64(number * unit).map_err(|_| wrong())?;
        whole = whole.checked_add(part).ok_or_else(wrong)?;
        rest = &rest[end + 1..];
    }
    if text.is_empty() { Err(wrong()) } else { Ok(whole) }
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
            ("1h30m", 5400.0),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_secs_f64(seconds)), "{text}");
        }
        for text in ["", "m", "-1", "10 m", "10x", "5m3", "inf", "nan", "1e400d", "10é", "..s"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
