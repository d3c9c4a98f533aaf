//! When a request is tried again, and how long we wait before.
//!
//! The schedule is the official client's (three tries, `min(10, 0.25 * 2^n)` seconds); a `Retry-After` of the
//! server wins, and only calls that can be repeated without harm are.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};

use super::{body, tls};

/// The longest wait between two tries.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Whether the server says that it may work in a moment.
pub(crate) fn is_transient(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 502 | 503 | 504)
}

/// Whether a request that got no answer may get one the next time. A certificate does not become good by waiting, nor
/// does a server learn HTTP.
pub(crate) fn may_pass(error: &reqwest::Error) -> bool {
    !(error.is_redirect() || error.is_builder() || tls::failure(error).is_some() || body::is_nonsense(error))
}

/// How long to wait after the try with this number (from 0).
pub(crate) fn wait(attempt: u32, headers: Option<&HeaderMap>) -> Duration {
    let scheduled = Duration::from_millis(250 * 2u64.saturating_pow(attempt.min(16)));
    headers.and_then(retry_after).unwrap_or(scheduled).min(LONGEST_WAIT)
}

/// `Retry-After` in its form with seconds (RFC 9110, 10.2.3).
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
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
    fn only_what_may_pass_is_transient() {
        for (status, expected) in [(200, false), (401, false), (404, false), (429, true), (500, false), (503, true)] {
            assert_eq!(is_transient(StatusCode::from_u16(status).unwrap()), expected, "{status}");
        }
    }
}
