//! `GET /auth/gss`: Kerberos, by SPNEGO over HTTP (RFC 4559).

mod library;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use reqwest::header::WWW_AUTHENTICATE;
use reqwest::{Response, StatusCode};
use url::{Host, Url};

use super::{Token, asking, named_account};
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::http::{Client, Request, checked, transport_error};
use library::{Cause, Context, Failure, Library};

/// How often the server may ask for one more token. Kerberos mostly needs one.
const ROUNDS: u32 = 5;
/// How many bytes of a refusal are read at most.
const LONGEST_PAGE: usize = 64 * 1024;
/// How often a login begins that the server believes to have seen before.
const TRIES: u32 = 3;

/// Asks for a token with the Kerberos ticket there is. The server has to prove as well who it is.
pub(super) async fn authenticate(client: &Client) -> Result<Token> {
    let account = named_account(client)?;
    let server = server_name(&client.settings().auth_host)?;
    for _ in 1..TRIES {
        match log_in(client, account, &server).await {
            // So it is where an answer was lost on its way and the request sent again, and where many processes log in
            // within the same microsecond.
            Err(Stopped { cause: Cause::Replay, .. }) => tracing::debug!("the server takes the login for a replay"),
            outcome => return Ok(outcome?),
        }
    }
    Ok(log_in(client, account, &server).await?)
}

async fn log_in(client: &Client, account: &str, server: &str) -> Result<Token, Stopped> {
    let server = server.to_owned();
    let (mut login, mut token) = asking(move || Login::begin(server)).await??;
    for _ in 0..ROUNDS {
        let request = Request::get("auth/gss").header("authorization", format!("Negotiate {}", encode(&token)));
        let response = client.authenticate(client.connections()?, &request).await?;
        match Offer::of(&response) {
            Offer::Token(more) if wants_more(&response) && !login.complete => {
                read_to_its_end(response).await?;
                (login, token) = login.step(more).await?;
            }
            offer if response.status().is_success() => return Ok(accepted(response, login, offer).await?),
            offer => return Err(refused(response, login, offer, account).await.into()),
        }
    }
    Err(login.not_accepted().into())
}

/// So that the same connection takes the next request: the server may count on that. No honest page is long.
async fn read_to_its_end(mut response: Response) -> Result<()> {
    let mut length = 0;
    while let Some(part) = response.chunk().await.map_err(transport_error)?.filter(|_| length < LONGEST_PAGE) {
        length += part.len();
    }
    Ok(())
}

/// An error, and what is known of its cause.
struct Stopped {
    cause: Cause,
    error: Error,
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self { cause: Cause::Other, error }
    }
}

impl From<Stopped> for Error {
    fn from(stopped: Stopped) -> Self {
        stopped.error
    }
}

/// By what name Kerberos knows the server: its host as it is written, as other clients take it.
fn server_name(auth_host: &str) -> Result<String> {
    let host = Url::parse(auth_host).ok().and_then(|url| match url.host()? {
        Host::Ipv6(address) => Some(address.to_string()),
        host => Some(host.to_string()),
    });
    host.map(|host| format!("HTTP@{host}")).ok_or_else(|| {
        refusal(format!("auth_host {auth_host} names no host.")).with_hint("Correct [client] auth_host or --auth-host.")
    })
}

fn encode(token: &[u8]) -> String {
    BASE64_STANDARD.encode(token)
}

/// What the server says about Kerberos beside its answer.
enum Offer {
    Nothing,
    /// It wants a login that begins anew.
    Bare,
    /// Its part of the login.
    Token(Vec<u8>),
}

impl Offer {
    fn of(response: &Response) -> Self {
        let offers = response.headers().get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        let words = offers.map(|offer| offer.split_once(' ').unwrap_or((offer, "")));
        let Some((_, token)) = words.into_iter().find(|(way, _)| way.eq_ignore_ascii_case("negotiate")) else {
            return Self::Nothing;
        };
        BASE64_STANDARD.decode(token.trim()).ok().filter(|token| !token.is_empty()).map_or(Self::Bare, Self::Token)
    }
}

/// Whether the web server asks for more, rather than Rucio behind it refusing whom it was told of.
fn wants_more(response: &Response) -> bool {
    response.status() == StatusCode::UNAUTHORIZED && !response.headers().contains_key("ExceptionClass")
}

/// A token is worth something only from the right server.
async fn accepted(response: Response, login: Login, offer: Offer) -> Result<Token> {
    let login = match offer {
        Offer::Token(proof) => login.step(proof).await?.0,
        _ => login,
    };
    match login.complete {
        true => Token::from_answer(response).await,
        false => Err(refusal(format!("The server gave a token, but did not prove that it is {}.", login.server))
            .with_hint("Another server may be answering in its place: check [client] auth_host or --auth-host.")),
    }
}

async fn refused(response: Response, login: Login, offer: Offer, account: &str) -> Error {
    let not_accepted = login.not_accepted();
    if wants_more(&response) {
        return if matches!(offer, Offer::Nothing) { not_offered() } else { not_accepted };
    }
    let principal = login.principal(offer).await;
    match checked(response).await {
        Err(error) if error.class() == Some(Exception::CannotAuthenticate) => error.with_hint(format!(
            "The Kerberos ticket is that of {principal}, which must be an identity of the account {account}; an \
             administrator adds it with `rucio account identity add --type GSS --id {principal} --email EMAIL {account}`. \
             Or choose another account with --account, or another ticket with `kinit`."
        )),
        // Rucio has not been told by the web server before it who asks.
        Err(error) if error.to_string().contains("REMOTE_USER") => not_offered(),
        Err(error) => error,
        Ok(_) => not_accepted,
    }
}

fn not_offered() -> Error {
    refusal("This server offers no login by Kerberos.".to_owned())
        .with_hint("Check [client] auth_host or --auth-host, or log in another way with -S or [client] auth_type.")
}

/// A login that is under way.
struct Login {
    library: &'static Library,
    context: Context,
    server: String,
    complete: bool,
}

impl Login {
    /// Begins a login; gives the first token for the server. This blocks: a KDC may be asked.
    fn begin(server: String) -> Result<(Self, Vec<u8>), Stopped> {
        let library = Library::get().map_err(|told| no_library(&told))?;
        let context = Context::new(library, &server).map_err(|failure| explain(library, failure, &server))?;
        Self { library, context, server, complete: false }.next(&[])
    }

    /// Takes the server's token; gives the next one for it.
    async fn step(self, token: Vec<u8>) -> Result<(Self, Vec<u8>), Stopped> {
        asking(move || self.next(&token)).await?
    }

    fn next(mut self, token: &[u8]) -> Result<(Self, Vec<u8>), Stopped> {
        let step = self.context.step(token).map_err(|failure| explain(self.library, failure, &self.server))?;
        Ok((Self { complete: step.complete, ..self }, step.token))
    }

    /// As whom the server knows us: what the login says, else whose tickets there are.
    async fn principal(self, offer: Offer) -> String {
        let library = self.library;
        let login = match offer {
            Offer::Token(proof) => self.step(proof).await.ok().and_then(|(login, _)| login.context.principal()),
            _ => None,
        };
        login.or_else(|| library.principal().ok()).unwrap_or_else(|| "PRINCIPAL".to_owned())
    }

    /// The web server refuses the ticket, and says no more.
    fn not_accepted(&self) -> Error {
        let whose = whose(self.library.principal().ok().as_deref());
        refusal(format!("The server does not accept the Kerberos ticket{whose} for {}.", self.server)).with_hint(
            "Get a new ticket with `kdestroy` and `kinit`. If that does not help, the server's own key may be out of \
             date: tell its administrators.",
        )
    }
}

fn whose(principal: Option<&str>) -> String {
    principal.filter(|principal| !principal.is_empty()).map(|principal| format!(" of {principal}")).unwrap_or_default()
}

fn no_library(told: &str) -> Error {
    refusal(format!("The Kerberos library cannot be loaded: {told}.")).with_hint(
        "Install it: `apt install libgssapi-krb5-2` on Debian and Ubuntu, `dnf install krb5-libs` on RHEL and its kin; \
         or log in another way with -S or [client] auth_type.",
    )
}

/// Says what is wrong. Without a ticket SPNEGO's own words are of no use: the question whose tickets there are is
/// answered better.
fn explain(library: &Library, failure: Failure, server: &str) -> Stopped {
    let own = library.principal();
    let whose = whose(own.as_deref().ok());
    let failure = own.err().filter(|own| own.cause != Cause::Other).unwrap_or(failure);
    let text = failure.text;
    let (details, hint) = match failure.cause {
        Cause::NoTicket => (
            format!("There is no Kerberos ticket: {text}."),
            "Get one with `kinit`, or `kinit NAME@REALM` if your name there is another one.",
        ),
        Cause::Expired => (format!("The Kerberos ticket{whose} has expired."), "Get a new one with `kinit`."),
        Cause::UnknownServer => (
            format!("Kerberos does not know the server {server}, for which the ticket{whose} would be used: {text}."),
            "auth_host must be the name by which Kerberos knows the server: check [client] auth_host or --auth-host.",
        ),
        Cause::NoKdc => (
            format!("No Kerberos server can be asked about the ticket{whose} and {server}: {text}."),
            "Check the network, and the realm in the Kerberos configuration: /etc/krb5.conf, or what KRB5_CONFIG names.",
        ),
        Cause::Clock => (
            format!("Kerberos does not accept the time of this machine: {text}."),
            "Set the clock: `timedatectl set-ntp true`.",
        ),
        Cause::Replay | Cause::Other => {
            (format!("The login by Kerberos{whose} at {server} failed: {text}."), "Look at your ticket with `klist`.")
        }
    };
    Stopped { cause: failure.cause, error: refusal(details).with_hint(hint) }
}

fn refusal(details: String) -> Error {
    Error::new(Exception::CannotAuthenticate, details)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_is_named_by_its_host_as_written() {
        for (auth_host, name) in [
            ("https://Rucio.example.org:443", "HTTP@rucio.example.org"),
            ("http://127.0.0.1:80", "HTTP@127.0.0.1"),
            ("https://[::1]:443", "HTTP@::1"),
        ] {
            assert_eq!(server_name(auth_host).unwrap(), name);
        }
    }
}
