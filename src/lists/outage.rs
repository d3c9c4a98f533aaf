//! Pauses before retries after a server became unavailable during a list, as it may be restarting.

use std::time::Duration;

use tokio::time::sleep;

use crate::error::{Error, Result};
use crate::exceptions::Exception;

/// First and maximum pause; each is twice the previous one.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(60)];
/// Total pause after which the server is given up.
const LIMIT: Duration = Duration::from_secs(600);

/// Hint for a list that could not be completed.
pub(crate) const BROKE_OFF: &str = "The server's list broke off, so it is not complete. What it had listed before was used; \
     run the same command again to get the rest.";

/// Time waited for an unavailable server, and the next pause.
#[derive(Debug)]
pub(crate) struct Outage {
    waited: Duration,
    pause: Duration,
}

impl Default for Outage {
    fn default() -> Self {
        Self { waited: Duration::ZERO, pause: PAUSES[0] }
    }
}

impl Outage {
    /// Waits before a retry.
    ///
    /// Errors: the given error, if it does not mean that the server is unavailable, or after ten minutes of waiting.
    pub(crate) async fn wait(&mut self, error: Error) -> Result<()> {
        if !is_unavailable(&error) {
            return Err(error);
        }
        if self.waited >= LIMIT {
            return Err(error.with_hint(BROKE_OFF));
        }
        self.pause(&error.to_string()).await;
        Ok(())
    }

    /// Logs the reason and waits before the rest of a list is requested.
    pub(crate) async fn pause(&mut self, reason: &str) {
        let reason = reason.replace('\n', " ");
        tracing::warn!("Not all files are listed yet, the server is asked again in {:?}: {reason}", self.pause);
        sleep(self.pause).await;
        (self.waited, self.pause) = (self.waited + self.pause, PAUSES[1].min(self.pause * 2));
    }
}

/// Returns whether the server may be available later: there was no response, or a proxy reported that the server is
/// down.
pub(super) fn is_unavailable(error: &Error) -> bool {
    match error {
        Error::Rucio(refusal) => {
            refusal.class == Exception::ServerConnectionException || matches!(refusal.status, Some(502..=504))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn outage_is_waited_for_ten_minutes() {
        let error = || Error::new(Exception::ServerConnectionException, "Connection refused");
        let (mut outage, begun) = (Outage::default(), tokio::time::Instant::now());
        let mut pauses = Vec::new();
        let end = loop {
            pauses.push(outage.pause.as_secs());
            if let Err(error) = outage.wait(error()).await {
                break error;
            }
        };
        assert_eq!(pauses[..7], [1, 2, 4, 8, 16, 32, 60]);
        let waited = begun.elapsed().as_secs();
        assert!((600..=660).contains(&waited), "{waited} s");
        assert_eq!(end.hint(), Some(BROKE_OFF));
    }

    #[tokio::test(start_paused = true)]
    async fn refusal_is_not_waited_for() {
        let begun = tokio::time::Instant::now();
        let refusal = Outage::default().wait(Error::new(Exception::AccessDenied, "no")).await.unwrap_err();
        assert_eq!((refusal.hint(), begun.elapsed().as_secs()), (None, 0));
    }
}
