//! `GET /auth/gss`: Kerberos authentication by SPNEGO over HTTP (RFC 4559).
//! `library` loads the Kerberos library at run time, the only unsafe code of the crate; the exchange with the server is here.
//! Nothing is linked, so that the static binary runs without Kerberos.

mod failure;
mod library;
mod ticket;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use reqwest::header::WWW_AUTHENTICATE;
use reqwest::{Response, StatusCode};
use url::{Host, Url};

use super::{Login, Token, ask_blocking};
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::hint::{Command, Hint, Parameter};
use crate::http::{Request, checked, transport_error};
use failure::{Cause, GssFailure};
use library::{Context, Exchange, Library};
pub(crate) use ticket::ap_request;

/// Maximum number of requests per login. Kerberos usually needs one.
const ROUNDS: u32 = 5;
/// Limit for the bytes read of an error page.
const LONGEST_PAGE: usize = 64 * 1024;
/// Login attempts while the server reports a replay.
const TRIES: u32 = 3;

/// Requests a token with the current Kerberos ticket. The server must prove its identity too.
pub(super) async fn authenticate(login: &Login) -> Result<Token> {
    let account = login.require_account()?;
    let server = server_name(&login.settings().auth_host)?;
    for _ in 1..TRIES {
        match log_in(login, account, &server).await {
            // Happens if a response was lost and the request was sent again, or if many processes log in within the
            // same microsecond.
            Err(LoginError { cause: Cause::Replay, .. }) => tracing::debug!("the server takes the login for a replay"),
            outcome => return Ok(outcome?),
        }
    }
    Ok(log_in(login, account, &server).await?)
}

async fn log_in(login: &Login, account: &str, server: &str) -> Result<Token, LoginError> {
    let server = server.to_owned();
    let (mut negotiation, mut token) = ask_blocking(move || Negotiation::begin(server)).await??;
    for _ in 0..ROUNDS {
        let request = Request::get("auth/gss").header("authorization", format!("Negotiate {}", encode(&token)));
        let response = login.transport.send_to_auth_host(&request).await?;
        match NegotiateHeader::from_response(&response) {
            NegotiateHeader::Token(more) if needs_another_round(&response) && !negotiation.complete => {
                drain(response).await?;
                (negotiation, token) = negotiation.step(more).await?;
            }
            offer if response.status().is_success() => return Ok(accepted(response, negotiation, offer).await?),
            offer => return Err(refused(response, negotiation, offer, account).await.into()),
        }
    }
    Err(negotiation.not_accepted().into())
}

/// Reads a response to its end, so that the next request uses the same connection: the server may rely on that. Genuine
/// pages are short.
async fn drain(mut response: Response) -> Result<()> {
    let mut length = 0;
    while length < LONGEST_PAGE
        && let Some(part) = response.chunk().await.map_err(transport_error)?
    {
        length += part.len();
    }
    Ok(())
}

/// An error and its cause.
struct LoginError {
    cause: Cause,
    error: Error,
}

impl From<Error> for LoginError {
    fn from(error: Error) -> Self {
        Self { cause: Cause::Other, error }
    }
}

impl From<LoginError> for Error {
    fn from(stopped: LoginError) -> Self {
        stopped.error
    }
}

/// Returns the server's Kerberos name: `HTTP@` and its host as written, as in other clients.
fn server_name(auth_host: &str) -> Result<String> {
    let host = Url::parse(auth_host).ok().and_then(|url| match url.host()? {
        Host::Ipv6(address) => Some(address.to_string()),
        host => Some(host.to_string()),
    });
    host.map(|host| format!("HTTP@{host}")).ok_or_else(|| {
        refusal(format!("auth_host {auth_host} has no host name."))
            .with_hint(Hint::parameters("Correct the address", [Parameter::AuthHost]))
    })
}

fn encode(token: &[u8]) -> String {
    BASE64_STANDARD.encode(token)
}

/// The Kerberos part of a response (`WWW-Authenticate: Negotiate`).
enum NegotiateHeader {
    Nothing,
    /// The server requests a new login.
    Bare,
    /// The server's next token.
    Token(Vec<u8>),
}

impl NegotiateHeader {
    fn from_response(response: &Response) -> Self {
        let offers = response.headers().get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        let words = offers.map(|offer| offer.split_once(' ').unwrap_or((offer, "")));
        let Some((_, token)) = words.into_iter().find(|(way, _)| way.eq_ignore_ascii_case("negotiate")) else {
            return Self::Nothing;
        };
        BASE64_STANDARD.decode(token.trim()).ok().filter(|token| !token.is_empty()).map_or(Self::Bare, Self::Token)
    }
}

/// Whether the web server requests another token, as opposed to Rucio behind it refusing the principal.
fn needs_another_round(response: &Response) -> bool {
    response.status() == StatusCode::UNAUTHORIZED && !response.headers().contains_key("ExceptionClass")
}

/// Returns the token if the server has proved its identity.
async fn accepted(response: Response, negotiation: Negotiation, offer: NegotiateHeader) -> Result<Token> {
    let negotiation = match offer {
        NegotiateHeader::Token(proof) => negotiation.step(proof).await?.0,
        _ => negotiation,
    };
    if negotiation.complete {
        Token::from_response(response).await
    } else {
        let advice = "Another server may be answering in its place. Check the address";
        Err(refusal(format!("The server sent a token, but did not prove that it is {}.", negotiation.server))
            .with_hint(Hint::parameters(advice, [Parameter::AuthHost])))
    }
}

async fn refused(response: Response, negotiation: Negotiation, offer: NegotiateHeader, account: &str) -> Error {
    let not_accepted = negotiation.not_accepted();
    if needs_another_round(&response) {
        return if matches!(offer, NegotiateHeader::Nothing) { not_offered() } else { not_accepted };
    }
    let principal = negotiation.principal(offer).await;
    match checked(response).await {
        Err(error) if error.class() == Some(Exception::CannotAuthenticate) => error
            .with_hint(Hint::command(
                format!("{principal} must be an identity of the account {account}; an administrator can add it"),
                Command::AddIdentity { kind: "GSS", identity: principal, account: Some(account.to_owned()) },
            ))
            .with_hint(Hint::parameters("Or choose another account", [Parameter::Account]))
            .with_hint(Hint::run("Or get another ticket", "kinit")),
        // The web server did not pass the user's name on to Rucio.
        Err(error) if error.to_string().contains("REMOTE_USER") => not_offered(),
        Err(error) => error,
        Ok(_) => not_accepted,
    }
}

fn not_offered() -> Error {
    refusal("This server offers no login by Kerberos.".to_owned())
        .with_hint(Hint::parameters("Check the address", [Parameter::AuthHost]))
        .with_hint(Hint::parameters("Or use another authentication method", [Parameter::AuthMethod]))
}

/// A login in progress: the state of the SPNEGO negotiation.
struct Negotiation {
    library: &'static Library,
    context: Context,
    server: String,
    complete: bool,
}

impl Negotiation {
    /// Begins a login and returns the first token for the server. Blocking: it may contact a KDC.
    fn begin(server: String) -> Result<(Self, Vec<u8>), LoginError> {
        let library = Library::get().map_err(|reason| no_library(&reason))?;
        let context = Context::new(library, Exchange::Negotiate, &server)
            .map_err(|failure| explain(library, failure, &server))?;
        Self { library, context, server, complete: false }.next(&[])
    }

    /// Processes the server's token and returns the next one to send.
    async fn step(self, token: Vec<u8>) -> Result<(Self, Vec<u8>), LoginError> {
        ask_blocking(move || self.next(&token)).await?
    }

    fn next(mut self, token: &[u8]) -> Result<(Self, Vec<u8>), LoginError> {
        let step = self.context.step(token).map_err(|failure| explain(self.library, failure, &self.server))?;
        Ok((Self { complete: step.complete, ..self }, step.token))
    }

    /// Returns the principal the server knows this client by, else that of the current tickets.
    async fn principal(self, offer: NegotiateHeader) -> String {
        let library = self.library;
        let seen = match offer {
            NegotiateHeader::Token(proof) => {
                self.step(proof).await.ok().and_then(|(negotiation, _)| negotiation.context.principal())
            }
            _ => None,
        };
        seen.or_else(|| library.principal().ok()).unwrap_or_else(|| "PRINCIPAL".to_owned())
    }

    /// Returns the error for a ticket that the web server refuses without a reason.
    fn not_accepted(&self) -> Error {
        let whose = whose(self.library.principal().ok().as_deref());
        refusal(format!("The server does not accept the Kerberos ticket{whose} for {}.", self.server))
            .with_hint(Hint::run("Get a new ticket", "kdestroy; kinit"))
            .with_hint("If that does not help, the server's own key may be out of date: tell its administrators.")
    }
}

fn whose(principal: Option<&str>) -> String {
    principal.filter(|principal| !principal.is_empty()).map(|principal| format!(" of {principal}")).unwrap_or_default()
}

fn no_library(reason: &str) -> Error {
    refusal(format!("The Kerberos library cannot be loaded: {reason}."))
        .with_hint(Hint::run("Install it on Debian or Ubuntu", "apt install libgssapi-krb5-2"))
        .with_hint(Hint::run("On RHEL or Alma", "dnf install krb5-libs"))
        .with_hint(Hint::parameters("Or use another authentication method", [Parameter::AuthMethod]))
}

/// Describes a failure. Without a ticket, SPNEGO's own message does not help: the error of `principal` is better.
fn explain(library: &Library, failure: GssFailure, server: &str) -> LoginError {
    let own = library.principal();
    let whose = whose(own.as_deref().ok());
    let failure = own.err().filter(|own| own.cause != Cause::Other).unwrap_or(failure);
    let text = failure.text;
    let (details, hint) = match failure.cause {
        Cause::NoTicket => (
            format!("There is no Kerberos ticket: {text}."),
            Hint::run("Get one (`kinit NAME@REALM` for another name)", "kinit"),
        ),
        Cause::Expired => (format!("The Kerberos ticket{whose} has expired."), Hint::run("Get a new one", "kinit")),
        Cause::UnknownServer => (
            format!("Kerberos does not know the server {server}, for which the ticket{whose} would be used: {text}."),
            Hint::parameters("Use the name by which Kerberos knows the server", [Parameter::AuthHost]),
        ),
        Cause::NoKdc => (
            format!("No Kerberos server can be reached for the ticket{whose} and {server}: {text}."),
            "Check the network, and the realm in the Kerberos configuration (/etc/krb5.conf or KRB5_CONFIG).".into(),
        ),
        Cause::Clock => (
            format!("Kerberos does not accept the time of this machine: {text}."),
            Hint::run("Set the clock", "timedatectl set-ntp true"),
        ),
        Cause::Replay | Cause::Other => (
            format!("The login by Kerberos{whose} at {server} failed: {text}."),
            Hint::run("Look at your ticket", "klist"),
        ),
    };
    LoginError { cause: failure.cause, error: refusal(details).with_hint(hint) }
}

fn refusal(details: String) -> Error {
    Error::new(Exception::CannotAuthenticate, details)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gss_server_name_is_its_host_as_written() {
        for (auth_host, name) in [
            ("https://Rucio.example.org:443", "HTTP@rucio.example.org"),
            ("http://127.0.0.1:80", "HTTP@127.0.0.1"),
            ("https://[::1]:443", "HTTP@::1"),
        ] {
            assert_eq!(server_name(auth_host).unwrap(), name);
        }
    }
}
