//! Waits that servers ask for.

use std::time::Duration;

use crate::retry::spread;
use crate::storage::{Result, StorageError, StorageErrorKind};

/// Maximum sum of the waits of a request. A manager that looks for a file asks for 2 to 10 s, several times.
const MAX_WAITED: Duration = Duration::from_secs(60);
/// Minimum pause: a server that asks to wait 0 s is not asked again and again.
const MIN_WAIT: Duration = Duration::from_millis(100);

/// The waits of a request so far.
#[derive(Debug, Default)]
pub(super) struct Waits(Duration);

impl Waits {
    /// Waits, longer by up to a half at random: the server asks many clients to wait. Errors: it would be too long; the
    /// caller decides when to ask again.
    pub(super) async fn wait(&mut self, time: Duration) -> Result<()> {
        let pause = time.max(MIN_WAIT);
        self.0 = self.0.saturating_add(pause);
        if self.0 > MAX_WAITED {
            let message = format!("the storage asks to wait {}s", time.as_secs());
            let mut error = StorageError::new(StorageErrorKind::Overloaded, message);
            error.retry_after = Some(time);
            return Err(error);
        }
        tokio::time::sleep(spread(pause)).await;
        Ok(())
    }
}
