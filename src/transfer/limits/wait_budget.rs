//! Waits requested by busy storages (`Retry-After`): they cost no attempt, but each file has a limited budget of them.

use std::time::Duration;

use tokio::time::sleep;

use super::attempt_timeout::AttemptTimeout;
use crate::retry::spread_in_process;
use crate::storage::{Result, StorageError};

/// Maximum total wait of a file if the user sets no time limit: the same as for an unavailable Rucio server (`lists`).
const DEFAULT_LIMIT: Duration = Duration::from_secs(600);

/// Remaining time that a file may wait for busy storages, over all its sources.
#[derive(Debug)]
pub(crate) struct WaitBudget {
    whole: Duration,
    remaining: Duration,
}

impl WaitBudget {
    /// Creates a budget equal to the user's time limit of an attempt, by default ten minutes.
    pub(crate) fn new(timeout: AttemptTimeout) -> Self {
        let seconds = timeout.seconds.filter(|seconds| *seconds > 0.0);
        Self::with_limit(seconds.map(|seconds| Duration::try_from_secs_f64(seconds.max(1.0)).unwrap_or(Duration::MAX)))
    }

    /// Creates a budget with this limit, by default ten minutes.
    pub(crate) fn with_limit(limit: Option<Duration>) -> Self {
        let whole = limit.unwrap_or(DEFAULT_LIMIT);
        Self { whole, remaining: whole }
    }

    /// Returns the remaining budget.
    pub(crate) fn remaining(&self) -> Duration {
        self.remaining
    }

    /// Checks that the budget covers this wait. Errors: the same failure, with the requested wait in its message.
    pub(crate) fn check(&self, busy: &StorageError, wait: Duration) -> Result<()> {
        if wait <= self.remaining {
            return Ok(());
        }
        let (asked, whole) = (seconds(wait), seconds(self.whole));
        let waited = seconds(self.whole.saturating_sub(self.remaining));
        let so_far = if waited == 0 { String::new() } else { format!(", of which {waited} s are over") };
        let message = format!(
            "{busy} and asks to come back in {asked} s, which is longer than a file waits: {whole} s in all{so_far}"
        );
        Err(StorageError { message, ..busy.clone() })
    }

    /// Waits, and charges the budget. The wait is longer by up to a half at random, which is not charged: the storage has
    /// requested the same one from other jobs.
    pub(crate) async fn wait(&mut self, wait: Duration) {
        self.remaining = self.remaining.saturating_sub(wait);
        sleep(spread_in_process(wait)).await;
    }

    /// Waits for as long as a busy storage requests. Returns whether it requested a time. Errors: the wait exceeds the
    /// budget.
    pub(crate) async fn wait_if_busy(&mut self, busy: &StorageError) -> Result<bool> {
        let Some(wait) = busy.named_wait() else { return Ok(false) };
        self.check(busy, wait)?;
        tracing::warn!("{busy} and is asked again in {} s", seconds(wait));
        self.wait(wait).await;
        Ok(true)
    }
}

/// Whole seconds, rounded up.
fn seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::StorageErrorKind;
    use tokio::time::Instant;

    fn budget(seconds: Option<f64>) -> WaitBudget {
        WaitBudget::new(AttemptTimeout { seconds, speed: Some(500.0) })
    }

    fn busy(seconds: u64) -> StorageError {
        let error = StorageError::new(StorageErrorKind::Overloaded, "the storage answered 503");
        StorageError { retry_after: Some(Duration::from_secs(seconds)), ..error }
    }

    #[tokio::test(start_paused = true)]
    async fn wait_budget_is_spent_by_waits_and_then_refuses_with_both_times() {
        let (mut budget, begun) = (budget(Some(10.0)), Instant::now());
        assert!(budget.wait_if_busy(&busy(6)).await.unwrap());
        let waited = begun.elapsed();
        assert!((6.0..=9.0).contains(&waited.as_secs_f64()), "{waited:?}");
        let refused = budget.wait_if_busy(&busy(5)).await.unwrap_err();
        let expected = "the storage answered 503 and asks to come back in 5 s, which is longer than a file waits: 10 s \
                        in all, of which 6 s are over";
        assert_eq!(refused.to_string(), expected);
        assert_eq!(begun.elapsed(), waited, "a wait that is refused takes time");
        assert!(!budget.wait_if_busy(&busy(0)).await.unwrap(), "no time is no time to wait");
    }

    #[test]
    fn wait_budget_is_what_the_user_says_else_ten_minutes() {
        for (seconds, expected) in [(None, 600), (Some(0.0), 600), (Some(12.0), 12), (Some(0.1), 1)] {
            assert_eq!(budget(seconds).remaining(), Duration::from_secs(expected), "{seconds:?}");
        }
        assert_eq!(budget(Some(f64::INFINITY)).remaining(), Duration::MAX);
    }
}
