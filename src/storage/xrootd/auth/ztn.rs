//! `ztn`: a bearer token, over TLS only.
//!
//! XRootD 5.5.3 offers this method on unencrypted connections, too, so the client has to check.

use super::{Attempt, AuthError, Outcome, present};
use crate::storage::xrootd::dialog::Dialog;

/// The default of the largest token that servers accept, in bytes.
const MAX_TOKEN: usize = 4096;

/// Sends the token. `arguments` are the version of the method and the largest token: `0:4096:`.
pub(super) async fn authenticate(
    dialog: &mut Dialog<'_>,
    arguments: &str,
    attempt: &Attempt<'_>,
) -> Result<Outcome, AuthError> {
    let skipped = |reason: &str| Ok(Outcome::Skipped(reason.to_owned()));
    let Some(token) = attempt.token else { return skipped("there is no token for this server") };
    if !attempt.is_encrypted {
        return if attempt.has_tls { Err(AuthError::NeedsTls) } else { skipped("the server has no TLS") };
    }
    let token = token.bearer();
    let most = arguments.split(':').nth(1).and_then(|most| most.parse().ok()).unwrap_or(MAX_TOKEN);
    match credentials(token).filter(|_| token.len() < most) {
        Some(credentials) => Ok(present(dialog, "ztn", &credentials).await?),
        None => skipped("the token is longer than the server allows"),
    }
}

/// Returns the name, version 0, `T` for a token, two reserved bytes, the length and the token, which ends with NUL.
/// `None` if the token is too long for its length field.
fn credentials(token: &str) -> Option<Vec<u8>> {
    let length = u16::try_from(token.len() + 1).ok()?;
    Some([b"ztn\0\0T\0\0", &length.to_be_bytes()[..], token.as_bytes(), b"\0"].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xrootd_token_is_sent_with_its_length() {
        assert_eq!(credentials("abc").unwrap(), b"ztn\0\0T\0\0\0\x04abc\0");
        assert_eq!(credentials(&"x".repeat(65_535)), None);
    }
}
