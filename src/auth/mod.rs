//! Ways to a token: which one, from where, kept how.

pub mod certificate;
mod jwt;
mod oidc;
pub mod session;
mod token_cache;
mod userpass;
mod x509;

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use reqwest::Response;

use crate::config::AuthMethod;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::http::{Client, checked};
use crate::secret::Secret;
pub use jwt::Claims;
pub(crate) use token_cache::{Kept, State, kept, trusted};
use token_cache::{Origin, TokenCache};

/// Whoever sits at the terminal during a login. Whatever asks errors when nobody can be asked.
pub trait Interact: Send + Sync {
    /// Asks for a password or a pass phrase, without showing what is typed.
    fn secret(&self, question: &str) -> std::io::Result<Secret>;
    /// Asks for a line.
    fn line(&self, question: &str) -> std::io::Result<String>;
    /// Shows what to do for a login in the browser.
    fn show(&self, text: &str);
    /// Reads the code the browser showed; it may also come from a pipe.
    fn code(&self) -> std::io::Result<String>;
    /// Opens this address in a browser, if there is one on this machine and somebody who sees it.
    fn browse(&self, url: &str) -> bool;
}

/// Nobody sits at the terminal.
pub(crate) struct Nobody;

impl Interact for Nobody {
    fn secret(&self, _question: &str) -> std::io::Result<Secret> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    fn line(&self, _question: &str) -> std::io::Result<String> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    fn show(&self, _text: &str) {}

    fn code(&self) -> std::io::Result<String> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    fn browse(&self, _url: &str) -> bool {
        false
    }
}

/// Where a token was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// An environment variable, by its name.
    Variable(&'static str),
    /// A file that another program wrote (WLCG bearer token discovery).
    File(PathBuf),
    /// Our cache, which the official client shares.
    Cache(PathBuf),
    /// A login just now.
    Login,
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Variable(name) => write!(f, "the variable {name}"),
            Self::File(path) => write!(f, "{} (of another program)", path.display()),
            Self::Cache(path) => write!(f, "{}", path.display()),
            Self::Login => f.write_str("a login just now"),
        }
    }
}

/// A Rucio token, when it ends (seconds since 1970, UTC), if that is known, and where it comes from.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    value: Secret,
    expires: Option<i64>,
    source: Source,
}

impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Token {
    /// A new token. One that says itself when it ends, as JSON web tokens do, is believed where nothing else tells.
    fn new(value: &str, expires: Option<i64>) -> Self {
        let expires = expires.or_else(|| Claims::of(value)?.exp);
        Self { value: Secret::from(value), expires, source: Source::Login }
    }

    fn from(self, source: Source) -> Self {
        Self { source, ..self }
    }

    /// The token itself, for a header.
    pub(crate) fn expose(&self) -> &str {
        self.value.expose()
    }

    /// Takes the token out of an answer of the authentication API.
    async fn from_answer(response: Response) -> Result<Self> {
        let response = checked(response).await?;
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        let value = header("x-rucio-auth-token").filter(|token| !token.is_empty()).ok_or_else(|| {
            Error::new(
                Exception::CannotAuthenticate,
                "The server's answer carries no token; is this a Rucio auth_host?",
            )
        })?;
        Ok(Self::new(value, header("x-rucio-auth-token-expires").and_then(parse_expiry)))
    }
}

/// `Sun, 22 Nov 2026 05:46:57 UTC`, as seconds since 1970; also plain seconds, as the OIDC refresh sends.
fn parse_expiry(text: &str) -> Option<i64> {
    let date = text.trim().trim_end_matches(" UTC").trim_end_matches(" GMT");
    chrono::NaiveDateTime::parse_from_str(date, "%a, %d %b %Y %H:%M:%S")
        .map(|time| time.and_utc().timestamp())
        .ok()
        .or_else(|| date.parse().ok())
}

/// Now, in seconds since 1970, UTC.
pub(crate) fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs() as i64)
}

/// The token there is without logging in: that of the cache, if it is ours for this server.
fn found(cache: &TokenCache, origin: &Origin) -> Option<Token> {
    cache.read(origin)
}

/// The token to start with: one that is there, else a new one. Of many processes that start at once, one asks the
/// server and the others take what it wrote.
pub(crate) async fn token(client: &Client) -> Result<Token> {
    let cache = TokenCache::new(client.settings());
    let origin = Origin::of(client.settings());
    if let Some(token) = found(&cache, &origin) {
        return Ok(token);
    }
    if !client.may_log_in() {
        return Err(Error::new(Exception::CannotAuthenticate, "There is no token in the cache."));
    }
    let _lock = cache.lock().await;
    match cache.read_again(&origin) {
        Some(token) => Ok(token),
        None => renew(client, &cache, &origin).await,
    }
}

/// A token in the place of one that the server refused: what another process has written since, or a new one.
pub(crate) async fn replace(client: &Client, refused: &Token) -> Result<Token> {
    if !client.may_log_in() {
        return Err(Error::new(Exception::CannotAuthenticate, "The server refuses the token in the cache."));
    }
    let cache = TokenCache::new(client.settings());
    let origin = Origin::of(client.settings());
    let _lock = cache.lock().await;
    match cache.read_again(&origin) {
        Some(token) if token != *refused => Ok(token),
        _ => renew(client, &cache, &origin).await,
    }
}

/// Logs in, whatever token there is, and keeps the new one.
pub(crate) async fn log_in(client: &Client) -> Result<Token> {
    let cache = TokenCache::new(client.settings());
    let origin = Origin::of(client.settings());
    let _lock = cache.lock().await;
    renew(client, &cache, &origin).await
}

async fn renew(client: &Client, cache: &TokenCache, origin: &Origin) -> Result<Token> {
    tracing::debug!("get a new token");
    let token = match &client.settings().auth {
        AuthMethod::Userpass { username, password } => {
            userpass::authenticate(client, username.as_deref(), password.as_ref()).await
        }
        AuthMethod::X509 { cert, key } => x509::authenticate(client, "auth/x509", cert, key.as_deref()).await,
        AuthMethod::X509Proxy { proxy } => x509::authenticate(client, "auth/x509_proxy", proxy, None).await,
        AuthMethod::Oidc(settings) => oidc::authenticate(client, settings).await,
        AuthMethod::Ssh { .. } => Err(not_built_in("ssh")),
        AuthMethod::Gss => Err(not_built_in("gss")),
    }
    .map_err(|error| advise(error, &client.settings().auth))?;
    if let Err(error) = cache.write(&token, origin) {
        tracing::warn!("The token could not be kept for the next command: {error}");
    }
    Ok(token)
}

/// Does what may ask somebody at the terminal, who takes their time: meanwhile Ctrl-C must be noticed.
pub(crate) async fn asking<T: Send + 'static>(ask: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let task = tokio::task::spawn_blocking(ask);
    task.await.map_err(|error| Error::io("Cannot ask", std::io::Error::other(error)))
}

/// Tells what to do about a refused login, unless the error itself does.
fn advise(error: Error, method: &AuthMethod) -> Error {
    if error.class() != Some(Exception::CannotAuthenticate) || error.hint().is_some() {
        return error;
    }
    match method {
        AuthMethod::Userpass { username, .. } => error.with_hint(format!(
            "Check the password of {} ([client] username and password, or --user and --password) and the \
             account it is for ([client] account or --account).",
            username.as_deref().unwrap_or("the user")
        )),
        AuthMethod::X509 { cert, .. } => error.with_hint(format!(
            "Check that {} is valid (openssl x509 -noout -dates -subject -in FILE) and belongs to the account \
             ([client] account or --account).",
            cert.display()
        )),
        AuthMethod::X509Proxy { .. } => error.with_hint(
            "Make a new proxy (voms-proxy-init or grid-proxy-init), or check the account ([client] account or \
             --account).",
        ),
        _ => error,
    }
}

fn not_built_in(strategy: &str) -> Error {
    Error::new(Exception::CannotAuthenticate, format!("This client cannot log in by {strategy}"))
        .with_hint("Choose another way with -S or [client] auth_type: userpass, x509, x509_proxy or oidc.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expiry_dates_are_read_in_both_forms() {
        assert_eq!(parse_expiry("Thu, 01 Jan 1970 00:01:00 UTC"), Some(60));
        assert_eq!(parse_expiry("1795326417"), Some(1_795_326_417));
        assert_eq!(parse_expiry("soon"), None);
    }

    #[test]
    fn only_a_refused_login_without_advice_gets_some() {
        let proxy = AuthMethod::X509Proxy { proxy: "/tmp/x509up_u1".into() };
        let refused = || Error::new(Exception::CannotAuthenticate, "");
        assert!(advise(refused(), &proxy).hint().is_some_and(|hint| hint.contains("voms-proxy-init")));
        assert_eq!(advise(refused().with_hint("Mine."), &proxy).hint(), Some("Mine."));
        assert_eq!(advise(Error::new(Exception::ServerConnectionException, ""), &proxy).hint(), None);
    }

    #[test]
    fn a_token_is_never_printed() {
        assert!(!format!("{:?}", Token::new("jdoe-secret-token", None)).contains("secret"));
    }
}
