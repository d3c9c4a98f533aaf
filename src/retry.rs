//! Retries: which failures are worth a retry, and how long to wait before it.
//!
//! The schedules are those of their users: `http` (the official client's, with jitter), `auth::oidc` and `rule wait`
//! (polling), `http` and `lists` (a server that restarts), `storage`. What all of them share is here: the growing pause, the
//! `Retry-After` of the server, and the status codes of temporary failures.
//!
//! No pause is the same for all clients: a thousand jobs that a server refuses at the same time would come back at the same
//! time. `benches/jobs_at_once` shows both.

use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use reqwest::StatusCode;
use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};

use crate::error::Error;
use crate::exceptions::Exception;

/// Maximum for `Retry-After`, so that it can be added to any clock: a year.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(365 * 86_400);

/// Pauses while a server is unavailable, as it may be restarting. With jitter: all clients of a server notice its restart
/// at the same time.
pub(crate) const OUTAGE: Backoff =
    Backoff { first: Duration::from_secs(1), factor: 2, max: Duration::from_secs(60), jitter: 0.5 };
/// Part of a requested wait that is added to it at most, at random.
const SPREAD: f64 = 0.5;
/// Time after which an unavailable server is given up.
pub(crate) const OUTAGE_LIMIT: Duration = Duration::from_secs(600);

/// Failures that a retry may not meet again.
pub(crate) trait Retryable {
    /// Returns whether the failure is temporary.
    fn is_retryable(&self) -> bool;
}

impl Retryable for StatusCode {
    /// Overload (429), and the codes of a proxy whose server is down or too slow (502 to 504). Not 500: Rucio sends that
    /// for errors in its own code, which a retry meets again.
    fn is_retryable(&self) -> bool {
        matches!(self.as_u16(), 429 | 502..=504)
    }
}

impl Retryable for Error {
    /// No response, or a response with a retryable status. Not a failed login at the start, which has its own retries, nor
    /// the failure of a server that has been waited for.
    fn is_retryable(&self) -> bool {
        let status = self.status().and_then(|status| StatusCode::from_u16(status).ok());
        let is_temporary = self.class() == Some(Exception::ServerConnectionException)
            || status.is_some_and(|status| status.is_retryable());
        is_temporary && !self.is_before_start() && !self.is_after_outage()
    }
}

/// Pauses between attempts: each is `factor` times the previous one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Backoff {
    /// First pause.
    pub(crate) first: Duration,
    /// Growth per retry; 1 for constant pauses.
    pub(crate) factor: u32,
    /// Maximum pause, also for `Retry-After`.
    pub(crate) max: Duration,
    /// Part of each pause that is random, from 0 to 1, so that clients that failed together do not come back together. A
    /// pause of 10 s with a jitter of 0.2 takes 8 to 10 s.
    pub(crate) jitter: f64,
}

impl Backoff {
    /// Returns the pause before this retry (from 0).
    pub(crate) fn pause(&self, retry: u32) -> Duration {
        let pause = self.first.saturating_mul(self.factor.saturating_pow(retry)).min(self.max);
        pause.mul_f64(1.0 - self.jitter.clamp(0.0, 1.0) * fastrand::f64())
    }

    /// Returns the pause before this retry (from 0), or the one that the server asked for, spread.
    pub(crate) fn pause_or(&self, retry: u32, retry_after: Option<Duration>) -> Duration {
        retry_after.map_or_else(|| self.pause(retry), |wait| spread(wait.min(self.max)))
    }
}

/// Returns a wait that a server asked for, longer by up to a half at random: it asked many clients for the same one.
pub(crate) fn spread(wait: Duration) -> Duration {
    wait.mul_f64(stretch())
}

/// Like [`spread`], but by the same part in this process: for files that wait together for a host, which limits their
/// number.
pub(crate) fn spread_in_process(wait: Duration) -> Duration {
    static STRETCH: LazyLock<f64> = LazyLock::new(stretch);
    wait.mul_f64(*STRETCH)
}

fn stretch() -> f64 {
    1.0 + SPREAD * fastrand::f64()
}

/// Parses `Retry-After`: seconds, or a date, relative to the server's `Date` header so that clocks may differ (RFC
/// 9110, 10.2.3). A past date gives zero; the maximum is a year.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = text(headers, RETRY_AFTER)?;
    let wait = if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        value.parse().map_or(MAX_RETRY_AFTER, Duration::from_secs)
    } else {
        let until = httpdate::parse_http_date(value).ok()?;
        let date = text(headers, DATE).and_then(|date| httpdate::parse_http_date(date).ok());
        until.duration_since(date.unwrap_or_else(SystemTime::now)).unwrap_or_default()
    };
    Some(wait.min(MAX_RETRY_AFTER))
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOUBLING: Backoff =
        Backoff { first: Duration::from_millis(250), factor: 2, max: Duration::from_secs(10), jitter: 0.0 };

    #[test]
    fn backoff_grows_up_to_its_maximum() {
        let pauses: Vec<_> = (0..7).map(|retry| DOUBLING.pause(retry).as_millis()).collect();
        assert_eq!(pauses, [250, 500, 1000, 2000, 4000, 8000, 10_000]);
        assert_eq!(DOUBLING.pause(u32::MAX), DOUBLING.max);
    }

    #[test]
    fn backoff_jitter_only_shortens() {
        let backoff = Backoff { jitter: 0.2, ..DOUBLING };
        let pauses: Vec<_> = (0..1000).map(|_| backoff.pause(3).as_millis()).collect();
        assert!(pauses.iter().all(|pause| (1600..=2000).contains(pause)), "{pauses:?}");
        assert!(pauses.iter().any(|pause| *pause < 1800) && pauses.iter().any(|pause| *pause > 1800), "{pauses:?}");
    }

    #[test]
    fn backoff_prefers_the_pause_of_the_server() {
        let seconds = |retry_after| DOUBLING.pause_or(0, retry_after).as_secs_f64();
        assert_eq!(seconds(None), 0.25);
        for (asked, least) in [(0, 0.0), (3, 3.0), (86_400, 10.0)] {
            let pause = seconds(Some(Duration::from_secs(asked)));
            assert!((least..=least * 1.5).contains(&pause), "{asked} s: {pause} s");
        }
    }

    #[test]
    fn clients_refused_together_come_back_apart() {
        let together = |pauses: Vec<Duration>| {
            let (first, last) = (pauses.iter().min().unwrap(), pauses.iter().max().unwrap());
            let window = (*last - *first) / 10;
            let fullest = pauses.iter().map(|start| {
                let end = *start + window;
                pauses.iter().filter(|pause| (*start..=end).contains(pause)).count()
            });
            (*last - *first, fullest.max().unwrap())
        };
        for retry_after in [None, Some(Duration::from_secs(8))] {
            let pauses = (0..1000).map(|_| OUTAGE.pause_or(3, retry_after)).collect();
            let (span, fullest) = together(pauses);
            assert!(span > Duration::from_secs(3), "{retry_after:?}: all within {span:?}");
            assert!(fullest < 200, "{retry_after:?}: {fullest} of 1000 within a tenth of {span:?}");
        }
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
    fn status_codes_of_overload_and_proxies_are_retryable() {
        for (status, expected) in
            [(200, false), (401, false), (404, false), (429, true), (500, false), (502, true), (503, true), (504, true)]
        {
            assert_eq!(StatusCode::from_u16(status).unwrap().is_retryable(), expected, "{status}");
        }
    }

    #[test]
    fn errors_without_a_response_are_retryable() {
        assert!(Error::new(Exception::ServerConnectionException, "Connection refused").is_retryable());
        assert!(!Error::new(Exception::AccessDenied, "no").is_retryable());
        assert!(!Error::value("no").is_retryable());
        let waited = Error::new(Exception::ServerConnectionException, "Connection refused").after_outage();
        assert!(!waited.is_retryable(), "ten minutes are not waited twice");
    }
}
