//! The time that transfers are throttled by the rate limit.

use std::sync::Mutex;
use std::time::Duration;

use crate::lock::lock;

/// Total time that an attempt has been throttled.
#[derive(Debug, Default)]
pub(crate) struct ThrottleTime(Mutex<Duration>);

impl ThrottleTime {
    /// Waits, and adds the time to the total.
    pub(crate) async fn wait(&self, time: Duration) {
        *lock(&self.0) += time;
        tokio::time::sleep(time).await;
    }

    /// Returns the total.
    pub(crate) fn total(&self) -> Duration {
        *lock(&self.0)
    }
}
