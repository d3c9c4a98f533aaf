//! Pauses before retries after a server became unavailable during a list, as it may be restarting.

use std::time::Duration;

use tokio::time::sleep;

use crate::error::{Error, Result};
use crate::retry::{OUTAGE, OUTAGE_LIMIT, Retryable};

/// Hint for a list that could not be completed.
pub(crate) const BROKE_OFF: &str = "The server's list was interrupted and is incomplete. The files listed before \
     were processed; run the same command again to get the rest.";

/// Time waited for an unavailable server, and the number of pauses.
#[derive(Debug, Default)]
pub(crate) struct Outage {
    waited: Duration,
    pauses: u32,
}

impl Outage {
    /// Waits before a retry.
    ///
    /// Errors: the given error, if it does not mean that the server is unavailable, or after ten minutes of waiting.
    pub(crate) async fn wait(&mut self, error: Error) -> Result<()> {
        if error.is_after_outage() || error.is_retryable() && self.waited >= OUTAGE_LIMIT {
            return Err(error.with_only_hint(BROKE_OFF));
        }
        if !error.is_retryable() {
            return Err(error);
        }
        self.pause(&error.to_string()).await;
        Ok(())
    }

    /// Logs the reason and waits before the rest of a list is requested.
    pub(crate) async fn pause(&mut self, reason: &str) {
        let reason = reason.replace('\n', " ");
        let pause = OUTAGE.pause(self.pauses);
        tracing::warn!("Not all files are listed yet, retrying in {pause:.1?}: {reason}");
        sleep(pause).await;
        self.waited += pause;
        self.pauses += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exceptions::Exception;

    #[tokio::test(start_paused = true)]
    async fn outage_is_waited_for_ten_minutes() {
        let error = || Error::new(Exception::ServerConnectionException, "Connection refused");
        let (mut outage, begun) = (Outage::default(), tokio::time::Instant::now());
        let mut pauses = Vec::new();
        let end = loop {
            let before = outage.waited;
            if let Err(error) = outage.wait(error()).await {
                break error;
            }
            pauses.push((outage.waited - before).as_secs_f64());
        };
        for (pause, longest) in pauses.iter().zip([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0]) {
            assert!((0.5 * longest..=longest).contains(pause), "{pauses:?}");
        }
        let waited = begun.elapsed().as_secs();
        assert!((600..=660).contains(&waited), "{waited} s");
        assert_eq!(end.hints(), [BROKE_OFF.into()]);
    }

    #[tokio::test(start_paused = true)]
    async fn outage_wait_excludes_refusals() {
        let begun = tokio::time::Instant::now();
        let refusal = Outage::default().wait(Error::new(Exception::AccessDenied, "no")).await.unwrap_err();
        assert!(refusal.hints().is_empty(), "{refusal:?}");
        assert_eq!(begun.elapsed().as_secs(), 0);
    }
}
