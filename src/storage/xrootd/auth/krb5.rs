//! `krb5`: a Kerberos ticket for the server, without a proof of the server's identity.
//!
//! The server reads the AP-REQ only (`krb5_rd_req` in `XrdSecProtocolkrb5.cc`), so that of a GSS-API token is enough.
//!
//! The server names the principal, and a holder of the ticket can log in as the user at the service of that name. XRootD's
//! own client requests any ticket; here it has to be for the host that the client connects to.

use super::{Attempt, AuthError, Outcome, present};
use crate::storage::xrootd::dialog::Dialog;

/// In the name of the server: the host as the client has written it.
const HOST: &str = "<host>";
/// Services that a server may name by another host name of its domain: sites reach servers by aliases.
const SERVICES: [&str; 2] = ["host", "xrootd"];

/// Sends a ticket. `arguments` are the server's principal, and perhaps `fwd`: `host/se.example.org@EXAMPLE.ORG,fwd`.
pub(super) async fn authenticate(
    dialog: &mut Dialog<'_>,
    arguments: &str,
    attempt: &Attempt<'_>,
) -> Result<Outcome, AuthError> {
    let principal = arguments.split(',').next().unwrap_or_default();
    let principal = principal.replace(HOST, &attempt.server.host);
    if !is_service_of(&principal, &attempt.server.host) {
        return Ok(Outcome::Skipped(format!("the server asks for a ticket for {principal}, which is not its service")));
    }
    let request = attempt.settings.kerberos;
    // It may ask the KDC for the ticket.
    let ticket = tokio::task::spawn_blocking(move || request(&principal)).await;
    match ticket.unwrap_or_else(|error| Err(error.to_string())) {
        Ok(ticket) => Ok(present(dialog, "krb5", &[b"krb5\0", &ticket[..]].concat()).await?),
        Err(reason) => Ok(Outcome::Skipped(reason)),
    }
}

/// Returns whether a principal is a service of this host, or one of XRootD's in its domain.
fn is_service_of(principal: &str, host: &str) -> bool {
    // Escaped separators would be read in another way by the Kerberos library.
    let name = principal.split('@').next().filter(|_| !principal.contains('\\'));
    let Some((service, instance)) = name.and_then(|name| name.split_once('/')) else { return false };
    let domain = |host: &str| Some(host.split_once('.')?.1.to_ascii_lowercase()).filter(|domain| domain.contains('.'));
    let is_same_domain = || domain(host).is_some_and(|own| domain(instance) == Some(own));
    instance.eq_ignore_ascii_case(host) || SERVICES.contains(&service) && is_same_domain()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn krb5_ticket_is_for_the_host_of_the_server_only() {
        for (principal, host, expected) in [
            // As CERN's EOS names it (xrootd/xrootd#1981).
            ("xrootd/eoslhcb.cern.ch@CERN.CH", "eoslhcb.cern.ch", true),
            ("HTTP/localhost@TESTBED.LOCAL", "localhost", true),
            ("host/SE.example.org", "se.example.org", true),
            ("host/se01.example.org@EXAMPLE.ORG", "se.example.org", true),
            ("HTTP/rucio.example.org@EXAMPLE.ORG", "se.example.org", false),
            ("host/se.elsewhere.org@EXAMPLE.ORG", "se.example.org", false),
            ("host/other.org", "example.org", false),
            ("HTTP/rucio.example.org/se.example.org", "se.example.org", false),
            ("HTTP\\/x/se.example.org", "se.example.org", false),
            ("krbtgt@EXAMPLE.ORG", "se.example.org", false),
            ("", "se.example.org", false),
        ] {
            assert_eq!(is_service_of(principal, host), expected, "{principal} {host}");
        }
    }
}
