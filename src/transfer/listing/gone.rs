//! A server that goes away while it lists is waited for: it may have been started anew.

use std::time::Duration;

use tokio::time::sleep;

use crate::error::{Error, Result};
use crate::exceptions::Exception;

/// The first pause where the server goes away, and the longest; each is twice the one before.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(60)];
/// How long a server that is gone is waited for, in pauses.
const PATIENCE: Duration = Duration::from_secs(600);

/// What to do when the server goes away in the middle.
pub(super) const BROKE_OFF: &str = "Its list of files broke off. The files it had listed are here, unless a line above \
     says otherwise; run the same command again to get the others.";

/// How long a server that is gone has been waited for, and the next pause.
pub(super) struct Gone {
    waited: Duration,
    pause: Duration,
}

impl Default for Gone {
    fn default() -> Self {
        Self { waited: Duration::ZERO, pause: PAUSES[0] }
    }
}

impl Gone {
    /// Waits until the server may be there again. Errors: it does not look so, or has been waited for for too long.
    pub(super) async fn wait(&mut self, error: Error) -> Result<()> {
        if !is_away(&error) {
            return Err(error);
        }
        if self.waited >= PATIENCE {
            return Err(error.with_hint(BROKE_OFF));
        }
        let reason = error.to_string().replace('\n', " ");
        tracing::warn!("Not all files are listed yet, the server is asked again in {:?}: {reason}", self.pause);
        sleep(self.pause).await;
        (self.waited, self.pause) = (self.waited + self.pause, PAUSES[1].min(self.pause * 2));
        Ok(())
    }
}

/// Whether the server may be there again later: no answer, or one of a door with nobody behind.
fn is_away(error: &Error) -> bool {
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
    async fn a_server_that_is_gone_is_waited_for_for_ten_minutes() {
        let error = || Error::new(Exception::ServerConnectionException, "Connection refused");
        let (mut gone, begun) = (Gone::default(), tokio::time::Instant::now());
        let mut pauses = Vec::new();
        let end = loop {
            pauses.push(gone.pause.as_secs());
            if let Err(error) = gone.wait(error()).await {
                break error;
            }
        };
        assert_eq!(pauses[..7], [1, 2, 4, 8, 16, 32, 60]);
        assert!((600..=660).contains(&begun.elapsed().as_secs()));
        assert_eq!(end.hint(), Some(BROKE_OFF));
        let refused_at = tokio::time::Instant::now();
        let refusal = Gone::default().wait(Error::new(Exception::AccessDenied, "no")).await;
        assert_eq!((refusal.unwrap_err().hint(), refused_at.elapsed().as_secs()), (None, 0));
    }
}
