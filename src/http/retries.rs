//! Decides whether and when a failed request is sent again.

use std::time::Duration;

use reqwest::{Response, StatusCode};

use super::{Request, SendError, root_cause};
use crate::retry::{Backoff, OUTAGE, OUTAGE_LIMIT, Retryable, retry_after};

/// Pauses between the attempts of a request: those of the official client, which logs them, with jitter. `Retry-After`
/// takes precedence.
const BACKOFF: Backoff =
    Backoff { first: Duration::from_millis(250), factor: 2, max: Duration::from_secs(10), jitter: 0.5 };

/// How long a request is retried after temporary failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// For the configured number of attempts, if it is repeatable; for ten minutes if the server says when to come back.
    Attempts,
    /// The same, and also if no connection could be opened, as nothing was sent.
    Unsent,
    /// After these attempts for ten minutes: the server has answered in this run, so it may be restarting. A request that
    /// changes something is repeated only if no connection could be opened.
    Outage,
}

/// The attempts of one request.
#[derive(Debug)]
pub(super) struct Retries<'a> {
    request: &'a Request,
    patience: Patience,
    /// Configured number of attempts.
    attempts: u32,
    attempt: u32,
    pauses: u32,
    /// Time since the first failure, without the first attempts.
    waited: Duration,
}

impl<'a> Retries<'a> {
    pub(super) fn new(request: &'a Request, attempts: u32, patience: Patience) -> Self {
        Self { request, patience, attempts, attempt: 0, pauses: 0, waited: Duration::ZERO }
    }

    /// Returns the pause before the next attempt, `None` if there is none. `spent` is the time that the failed attempt took.
    pub(super) fn pause(&mut self, answer: &Result<Response, SendError>, spent: Duration) -> Option<Duration> {
        self.pause_after(&Failure::of(answer)?, spent)
    }

    fn pause_after(&mut self, failure: &Failure, spent: Duration) -> Option<Duration> {
        let is_unsent = failure.is_unsent && self.patience != Patience::Attempts;
        self.attempt += 1;
        if self.attempt < self.attempts && (self.request.repeatable || is_unsent) {
            let backoff = if failure.retry_after.is_some() { OUTAGE } else { BACKOFF };
            let pause = backoff.pause_or(self.attempt - 1, failure.retry_after);
            tracing::warn!("Waiting {:.2}s due to reason: {} ", pause.as_secs_f64(), failure.reason);
            return Some(pause);
        }
        let may_repeat = self.request.is_read() || is_unsent;
        // A server that says when to come back is there, even if it has not answered a call in this run.
        let is_there = self.patience == Patience::Outage || failure.retry_after.is_some_and(|wait| !wait.is_zero());
        if !is_there || !may_repeat || self.waited >= OUTAGE_LIMIT {
            return None;
        }
        let pause = OUTAGE.pause_or(self.pauses, failure.retry_after);
        tracing::warn!("The server is unavailable, retrying in {pause:.1?}: {}", failure.reason);
        self.pauses += 1;
        self.waited += pause + spent;
        Some(pause)
    }

    /// Returns whether the server was waited for beyond the configured attempts.
    pub(super) fn has_waited(&self) -> bool {
        self.pauses > 0
    }
}

/// A temporary failure of one attempt.
#[derive(Debug)]
struct Failure {
    /// Whether no connection could be opened, so that nothing was sent.
    is_unsent: bool,
    retry_after: Option<Duration>,
    reason: String,
}

impl Failure {
    /// Returns `None` if a retry would not help.
    fn of(answer: &Result<Response, SendError>) -> Option<Self> {
        match answer {
            Ok(response) if response.status().is_retryable() => {
                // A request with this status was refused before it was processed (RFC 6585, 4).
                let is_unsent = response.status() == StatusCode::TOO_MANY_REQUESTS;
                let reason = format!("server returned {}", response.status().as_u16());
                Some(Self { is_unsent, retry_after: retry_after(response.headers()), reason })
            }
            Err(error) if error.is_retryable() => {
                Some(Self { is_unsent: error.is_connect(), retry_after: None, reason: root_cause(error) })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn failure(is_unsent: bool) -> Failure {
        Failure { is_unsent, retry_after: None, reason: "test".to_owned() }
    }

    /// Number of retries, and the sum of their pauses in seconds.
    fn retried(request: &Request, patience: Patience, is_unsent: bool) -> (u32, f64) {
        let mut retries = Retries::new(request, 3, patience);
        let pauses = std::iter::from_fn(|| retries.pause_after(&failure(is_unsent), Duration::ZERO));
        pauses.fold((0, 0.0), |(number, sum), pause| (number + 1, sum + pause.as_secs_f64()))
    }

    #[test]
    fn read_waits_minutes_for_a_server_that_has_answered_before() {
        for request in [Request::get("a"), Request::post("a", json!({})).repeatable()] {
            assert_eq!(retried(&request, Patience::Unsent, false).0, 2, "{request:?}");
            let (number, seconds) = retried(&request, Patience::Outage, false);
            assert!(
                number > 10 && (600.0..=660.0).contains(&seconds),
                "{number} retries in {seconds} s of {request:?}"
            );
        }
        let poll = Request::get("a").without_waiting();
        assert_eq!(retried(&poll, Patience::Outage, false).0, 2, "its caller waits");
    }

    #[test]
    fn write_is_repeated_only_if_nothing_was_sent() {
        let write = Request::post("a", json!({}));
        for patience in [Patience::Attempts, Patience::Unsent, Patience::Outage] {
            assert_eq!(retried(&write, patience, false), (0, 0.0), "{patience:?}");
        }
        assert_eq!(retried(&write, Patience::Attempts, true).0, 0);
        assert_eq!(retried(&write, Patience::Unsent, true).0, 2);
        assert!(retried(&write, Patience::Outage, true).1 >= 600.0);
        let put = Request::put("a", json!({}));
        assert_eq!(retried(&put, Patience::Outage, false).0, 2, "as often as the official client repeats it");
    }

    #[test]
    fn server_that_says_when_to_come_back_is_waited_for_from_the_first_call_on() {
        let request = Request::get("a");
        for (seconds, is_waited_for) in [(0, false), (1, true), (30, true)] {
            let mut retries = Retries::new(&request, 3, Patience::Attempts);
            let busy = Failure { retry_after: Some(Duration::from_secs(seconds)), ..failure(false) };
            let pauses: Vec<_> = std::iter::from_fn(|| retries.pause_after(&busy, Duration::ZERO)).collect();
            let bounds = Duration::from_secs(seconds)..=Duration::from_secs(seconds).mul_f64(1.5);
            assert!(pauses.iter().all(|pause| bounds.contains(pause)), "{seconds} s: {pauses:?}");
            assert_eq!(pauses.len() > 2, is_waited_for, "{seconds} s: {} retries", pauses.len());
        }
    }

    #[test]
    fn slow_failures_count_as_waiting() {
        let request = Request::get("a");
        let mut retries = Retries::new(&request, 1, Patience::Outage);
        let slow = || Duration::from_secs(600);
        assert!(retries.pause_after(&failure(false), slow()).is_some());
        assert!(retries.pause_after(&failure(false), slow()).is_none() && retries.has_waited());
    }
}
