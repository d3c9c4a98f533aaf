//! The time that transfers are throttled by the rate limit.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Total time that an attempt has been throttled.
#[derive(Debug, Default)]
pub(crate) struct ThrottleTime(Mutex<Duration>);

impl ThrottleTime {
    /// Waits, and adds the time to the total.
    pub(crate) async fn wait(&self, time: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += time;
        tokio::time::sleep(time).await;
    }

    /// Returns the total.
    pub(crate) fn total(&self) -> Duration {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
