//! Authentication: the methods that a server offers are tried in its order, without asking the user for anything.
//!
//! Methods that trust the client (`unix`, `host`) come last, whatever the server's order: it usually maps them to a user
//! who may only read public files. If all methods fail, the message has the reason of each.

mod gsi;
mod krb5;
mod sss;
mod ztn;

use std::net::SocketAddr;

use super::address::Server;
use super::dialog::{Dialog, Reply};
use super::login::{SessionSettings, denied};
use super::status::ServerError;
use super::wire::Request;
use crate::storage::StorageError;
use crate::storage::http::StorageToken;
pub(super) use gsi::SessionKey;

/// Separator of the methods in the response to a login.
const SEPARATOR: &str = "&P=";
/// Maximum number of methods that are tried; XRootD has seven.
const MAX_METHODS: usize = 16;

/// What is known about the session that is to be authenticated.
pub(super) struct Attempt<'a> {
    pub(super) server: &'a Server,
    pub(super) user: &'a str,
    /// The token that may be sent to this server.
    pub(super) token: Option<&'a StorageToken>,
    pub(super) settings: &'a SessionSettings,
    /// Our own address of the connection, and the server's.
    pub(super) local: SocketAddr,
    pub(super) peer: SocketAddr,
    pub(super) is_encrypted: bool,
    /// Whether the connection could be encrypted.
    pub(super) has_tls: bool,
}

/// Result of an authentication.
#[derive(Debug, Default)]
pub(super) struct Authenticated {
    /// The key that requests can be signed with.
    pub(super) key: Option<SessionKey>,
    /// How the login was made although other methods were not successful, with the reasons.
    pub(super) note: Option<String>,
    /// The method; `None` if the server requires none.
    pub(super) method: Option<String>,
    /// All methods that the server offers, in the order in which they are tried.
    pub(super) offered: Vec<String>,
}

/// Why no method was successful.
#[derive(Debug)]
pub(super) enum AuthError {
    /// A method needs an encrypted connection.
    NeedsTls,
    Failed(StorageError),
}

impl From<StorageError> for AuthError {
    fn from(error: StorageError) -> Self {
        Self::Failed(error)
    }
}

/// Result of one method.
enum Outcome {
    /// With the key of the session, if there is one.
    Accepted(Option<SessionKey>),
    /// The server has refused our credentials.
    Refused(ServerError),
    /// There are no credentials for it, or it cannot be used here.
    Skipped(String),
}

/// A method that a server offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Offer<'a> {
    name: &'a str,
    /// What follows its name, after a comma.
    arguments: &'a str,
}

impl<'a> Offer<'a> {
    /// Parses `&P=gsi,v:10600,c:ssl&P=unix`. The methods that trust the client are the last.
    fn parse_all(text: &'a str) -> Vec<Self> {
        let parts =
            text.split(SEPARATOR).map(|part| part.trim_matches(['\0', ' ', '\n'])).filter(|one| !one.is_empty());
        let parts = parts.map(|part| part.split_once(',').unwrap_or((part, "")));
        let mut offers: Vec<_> = parts.map(|(name, arguments)| Self { name, arguments }).take(MAX_METHODS).collect();
        offers.sort_by_key(Self::trusts_client);
        offers
    }

    fn trusts_client(&self) -> bool {
        matches!(self.name, "unix" | "host")
    }
}

/// Authenticates by the first method that the server accepts. `text` is its list; without one there is nothing to do.
pub(super) async fn authenticate(
    dialog: &mut Dialog<'_>,
    text: &str,
    attempt: &Attempt<'_>,
) -> Result<Authenticated, AuthError> {
    let offers = Offer::parse_all(text);
    if offers.is_empty() {
        return Ok(Authenticated::default());
    }
    let offered = offers.iter().map(|offer| offer.name.to_owned()).collect();
    let mut reasons = Vec::new();
    for offer in offers {
        let reason = match try_method(dialog, offer, attempt).await? {
            Outcome::Accepted(key) => {
                tracing::debug!("logged in at {} by {}", attempt.server, offer.name);
                let note = || format!("logged in by {}; {}", offer.name, reasons.join("; "));
                let note = (!reasons.is_empty()).then(note);
                return Ok(Authenticated { key, note, method: Some(offer.name.to_owned()), offered });
            }
            Outcome::Refused(ServerError { code, text }) => format!("[{code}] {text}"),
            Outcome::Skipped(reason) => reason,
        };
        reasons.push(format!("{}: {reason}", offer.name));
    }
    Err(denied(format!("no login at {}: {}", attempt.server, reasons.join("; "))).into())
}

async fn try_method(dialog: &mut Dialog<'_>, offer: Offer<'_>, attempt: &Attempt<'_>) -> Result<Outcome, AuthError> {
    let chosen = attempt.settings.methods.as_ref();
    if chosen.is_some_and(|chosen| !chosen.iter().any(|one| one == offer.name)) {
        return Ok(Outcome::Skipped("not among the methods in XrdSecPROTOCOL".to_owned()));
    }
    match offer.name {
        "unix" => Ok(present(dialog, "unix", format!("unix\0{}\0", attempt.user).as_bytes()).await?),
        "host" => Ok(present(dialog, "host", b"host\0").await?),
        "ztn" => ztn::authenticate(dialog, offer.arguments, attempt).await,
        "gsi" => gsi::authenticate(dialog, offer.arguments, attempt).await,
        "krb5" => krb5::authenticate(dialog, offer.arguments, attempt).await,
        "sss" => sss::authenticate(dialog, offer.arguments, attempt).await,
        _ => Ok(Outcome::Skipped("this method is unknown".to_owned())),
    }
}

/// Sends credentials that need one round only.
async fn present(dialog: &mut Dialog<'_>, method: &str, credentials: &[u8]) -> Result<Outcome, StorageError> {
    Ok(match dialog.ask(&Request::Authenticate { method, credentials }).await? {
        Reply::Ok(_) => Outcome::Accepted(None),
        Reply::Error(error) => Outcome::Refused(error),
        Reply::More(_) => Outcome::Skipped("the server asks for more than this method has".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xrootd_methods_keep_the_order_of_the_server_but_those_without_proof_are_last() {
        let text = "&P=unix&P=gsi,v:10600,c:ssl,ca:5168735f.0|4339b4bc.0&P=host&P=ztn,0:4096:\0";
        let offers = Offer::parse_all(text);
        let names: Vec<_> = offers.iter().map(|offer| offer.name).collect();
        assert_eq!(names, ["gsi", "ztn", "unix", "host"]);
        assert_eq!(offers[0].arguments, "v:10600,c:ssl,ca:5168735f.0|4339b4bc.0");
        assert_eq!(Offer::parse_all(""), []);
        assert_eq!(Offer::parse_all(&"&P=unix".repeat(1_000)).len(), MAX_METHODS);
    }
}
