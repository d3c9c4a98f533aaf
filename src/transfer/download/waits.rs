//! The time that the limit on the rate costs.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long an attempt has been held back by the limit on the rate.
#[derive(Debug, Default)]
pub(super) struct Waits(Mutex<Duration>);

impl Waits {
    /// Waits, and counts it.
    pub(super) async fn wait(&self, time: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += time;
        tokio::time::sleep(time).await;
    }

    /// How long in all.
    pub(super) fn sum(&self) -> Duration {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
