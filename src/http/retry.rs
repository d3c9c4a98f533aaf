//! When requests are retried, and the pause before a retry.
//!
//! The schedule is that of the official client (three attempts, `min(10, 0.25 * 2^n)` seconds); the server's
//! `Retry-After` takes precedence. Only repeatable requests are retried.

use std::time::{Duration, SystemTime};

use reqwest::StatusCode;
use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};

use super::{body, tls};

/// Maximum pause between two attempts.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// Maximum for `Retry-After`, so that it can be added to any clock: a year.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(365 * 86_400);

/// Returns whether the status code is a temporary failure.
pub(crate) fn is_transient(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 502 | 503 | 504)
}

/// Returns whether a request that failed without a response may be retried. Not after a redirect error, a TLS failure
/// or a response that is not HTTP: a retry would not help.
pub(crate) fn is_retryable(error: &reqwest::Error) -> bool {
    !(error.is_redirect() || error.is_builder() || tls::failure(error).is_some() || body::is_not_http(error))
}

/// Returns the pause after attempt number `attempt` (from 0).
pub(crate) fn wait(attempt: u32, headers: Option<&HeaderMap>) -> Duration {
    let scheduled = Duration::from_millis(250 * 2u64.saturating_pow(attempt.min(16)));
    headers.and_then(retry_after).unwrap_or(scheduled).min(LONGEST_WAIT)
}

/// Parses `Retry-After`: seconds, or a date, relative to the server's `Date` header so that clocks may differ (RFC
/// 9110, 10.2.3). A past date gives zero; the maximum is a year.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = text(headers, RETRY_AFTER)?;
    let wait = if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        value.parse().map_or(LONGEST_RETRY_AFTER, Duration::from_secs)
    } else {
        let until = httpdate::parse_http_date(value).ok()?;
        let date = text(headers, DATE).and_then(|date| httpdate::parse_http_date(date).ok());
        until.duration_since(date.unwrap_or_else(SystemTime::now)).unwrap_or_default()
    };
    Some(wait.min(LONGEST_RETRY_AFTER))
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_as_the_official_schedule_and_stop_at_ten_seconds() {
        let waits: Vec<_> = (0..7).map(|n| wait(n, None).as_millis()).collect();
        assert_eq!(waits, [250, 500, 1000, 2000, 4000, 8000, 10_000]);
    }

    #[test]
    fn the_server_decides_within_reason() {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, "3".parse().unwrap());
        assert_eq!(wait(0, Some(&headers)).as_secs(), 3);
        headers.insert(RETRY_AFTER, "86400".parse().unwrap());
        assert_eq!(wait(0, Some(&headers)), LONGEST_WAIT);
        headers.insert(RETRY_AFTER, "tomorrow".parse().unwrap());
        assert_eq!(wait(0, Some(&headers)).as_millis(), 250);
    }

    #[test]
    fn retry_after_is_read_in_seconds_and_as_a_date_by_the_clock_of_the_server() {
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        for (value, expected) in [
            ("7", Some(7)),
            (" 7 ", Some(7)),
            ("0", Some(0)),
            ("Sun, 06 Nov 1994 08:50:07 GMT", Some(30)),
            ("Sunday, 06-Nov-94 08:50:07 GMT", Some(30)),
            ("Sun Nov  6 08:50:07 1994", Some(30)),
            ("Sun, 06 Nov 1994 08:49:00 GMT", Some(0)),
            ("99999999999999999999999", Some(365 * 86_400)),
            ("Sat, 06 Nov 2094 08:49:37 GMT", Some(365 * 86_400)),
            ("+7", None),
            ("-7", None),
            ("7.5", None),
            ("", None),
            ("tomorrow", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, value.parse().unwrap());
            headers.insert(DATE, date.parse().unwrap());
            assert_eq!(retry_after(&headers).map(|wait| wait.as_secs()), expected, "{value:?}");
        }
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }

    #[test]
    fn retry_after_as_a_date_counts_from_now_where_the_server_names_no_date() {
        let mut headers = HeaderMap::new();
        let until = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(100));
        headers.insert(RETRY_AFTER, until.parse().unwrap());
        let wait = retry_after(&headers).unwrap().as_secs();
        assert!((60..=100).contains(&wait), "{wait}");
    }

    #[test]
    fn only_what_may_pass_is_transient() {
        for (status, expected) in [(200, false), (401, false), (404, false), (429, true), (500, false), (503, true)] {
            assert_eq!(is_transient(StatusCode::from_u16(status).unwrap()), expected, "{status}");
        }
    }
}
