//! `krb5`: a Kerberos ticket for the server, without a proof of the server's identity.
//!
//! The server reads the AP-REQ only (`krb5_rd_req` in `XrdSecProtocolkrb5.cc`), so that of a GSS-API token will do.

use super::{Attempt, AuthError, Outcome, present};
use crate::storage::xrootd::dialog::Dialog;

/// In the name of the server: the host as the client has written it.
const HOST: &str = "<host>";

/// Sends a ticket. `arguments` are the server's principal, and perhaps `fwd`: `host/se.example.org@EXAMPLE.ORG,fwd`.
pub(super) async fn authenticate(
    dialog: &mut Dialog<'_>,
    arguments: &str,
    attempt: &Attempt<'_>,
) -> Result<Outcome, AuthError> {
    let principal = arguments.split(',').next().unwrap_or_default();
    let principal = principal.replace(HOST, &attempt.server.host);
    let request = attempt.settings.kerberos;
    // It may ask the KDC for the ticket.
    let ticket = tokio::task::spawn_blocking(move || request(&principal)).await;
    match ticket.unwrap_or_else(|error| Err(error.to_string())) {
        Ok(ticket) => Ok(present(dialog, "krb5", &[b"krb5\0", &ticket[..]].concat()).await?),
        Err(reason) => Ok(Outcome::Skipped(reason)),
    }
}
