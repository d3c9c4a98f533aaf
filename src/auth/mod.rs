//! Authentication: obtains, caches, renews and replaces the tokens that requests are sent with.
//! One module per authentication method, the token cache, and the sessions that users see. The settings of a method are
//! in `config`, requests in `http`; nothing here prints.

mod clock;
mod gss;
mod jwt;
mod oidc;
pub mod session;
pub(crate) mod ssh;
mod token_cache;
mod userpass;
mod x509;

use std::path::PathBuf;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use reqwest::Response;
use tokio::sync::Mutex;

use crate::config::{AuthMethod, Settings};
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::hint::Hint;
use crate::http::{Client, TokenProvider, checked};
use crate::interact::{Interact, NonInteractive};
use crate::secret::Secret;
pub use jwt::Claims;
pub(crate) use oidc::can_resume;
pub(crate) use token_cache::{CachedToken, TokenState, inspect, trusted};
use token_cache::{TokenCache, TokenOrigin};

/// Creates a client with these settings. `script` is shown as the command in the server's log (`rucio::list-dids`);
/// `interact` prompts for pass phrases and login codes.
pub fn client(settings: Settings, script: impl Into<String>, interact: Arc<dyn Interact>) -> Client {
    Client::new(settings, script, interact, Arc::<TokenSlot>::default(), true)
}

/// Creates a client that uses the cached token or none: it never logs in and never prompts.
pub fn client_without_login(settings: Settings, script: impl Into<String>) -> Client {
    Client::new(settings, script, Arc::new(NonInteractive), Arc::<TokenSlot>::default(), false)
}

/// The token of a client's requests, obtained at the first one.
#[derive(Default)]
struct TokenSlot(Mutex<Option<Token>>);

impl TokenProvider for TokenSlot {
    fn token<'a>(&'a self, client: &'a Client) -> BoxFuture<'a, Result<Secret>> {
        Box::pin(async move {
            let mut slot = self.0.lock().await;
            let now = match &*slot {
                Some(token) => refresh_if_due(client, token.clone()).await,
                None => token(client).await?,
            };
            Ok(slot.insert(now).value.clone())
        })
    }

    fn replace<'a>(&'a self, client: &'a Client, refused: &'a Secret) -> BoxFuture<'a, Result<Secret>> {
        Box::pin(async move {
            let mut slot = self.0.lock().await;
            let now = match &*slot {
                // Another task has already replaced it.
                Some(token) if token.value != *refused => token.clone(),
                Some(token) => replace(client, token).await?,
                None => token(client).await?,
            };
            Ok(slot.insert(now).value.clone())
        })
    }
}

/// The source of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenSource {
    /// The environment variable of this name.
    Variable(&'static str),
    /// A file of another program (WLCG bearer token discovery).
    File(PathBuf),
    /// The token cache, shared with the official client.
    Cache(PathBuf),
    /// A login of this process.
    Login,
}

impl std::fmt::Display for TokenSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Variable(name) => write!(f, "the variable {name}"),
            Self::File(path) => write!(f, "{} (of another program)", path.display()),
            Self::Cache(path) => write!(f, "{}", path.display()),
            Self::Login => f.write_str("a login just now"),
        }
    }
}

/// Hint for a login that succeeds without returning a token.
const NO_RUCIO: &str = "Check that [client] auth_host (or --auth-host) is the address of a Rucio server.";

/// Maximum length of a token, in bytes. Servers limit headers to 8 KiB by default, so no token is that long.
const LONGEST: usize = 32 << 10;

/// A Rucio token, its expiry (seconds since 1970, UTC) if known, and its source.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    value: Secret,
    expires: Option<i64>,
    source: TokenSource,
    /// Earliest time of the next renewal, in seconds since 1970, UTC.
    renew_after: i64,
}

impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Token {
    /// Creates a token. Without `expires`, the `exp` claim of a JSON web token is used.
    fn new(value: &str, expires: Option<i64>) -> Self {
        let expires = expires.or_else(|| Claims::parse(value)?.exp);
        Self { value: Secret::from(value), expires, source: TokenSource::Login, renew_after: 0 }
    }

    fn from(self, source: TokenSource) -> Self {
        Self { source, ..self }
    }

    /// Whether another program wrote it.
    fn is_external(&self) -> bool {
        matches!(self.source, TokenSource::Variable(_) | TokenSource::File(_))
    }

    /// Returns the token itself, for a header.
    pub(crate) fn expose(&self) -> &str {
        self.value.expose()
    }

    /// Reads the token from a response of the authentication API.
    async fn from_answer(response: Response) -> Result<Self> {
        let response = checked(response).await?;
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        let value = header("x-rucio-auth-token").filter(|token| !token.is_empty()).ok_or_else(|| {
            Error::new(Exception::CannotAuthenticate, "The server's answer carries no token.").with_hint(NO_RUCIO)
        })?;
        if value.len() > LONGEST || value.contains(char::is_control) {
            let details = format!("The server's answer carries no token but {} bytes of something else.", value.len());
            return Err(Error::new(Exception::CannotAuthenticate, details).with_hint(NO_RUCIO));
        }
        Ok(Self::new(value, header("x-rucio-auth-token-expires").and_then(parse_expiry)))
    }
}

/// Parses an expiry: `Sun, 22 Nov 2026 05:46:57 UTC`, or seconds since 1970 as sent by the OIDC refresh.
fn parse_expiry(text: &str) -> Option<i64> {
    let date = text.trim().trim_end_matches(" UTC").trim_end_matches(" GMT");
    chrono::NaiveDateTime::parse_from_str(date, "%a, %d %b %Y %H:%M:%S")
        .map(|time| time.and_utc().timestamp())
        .ok()
        .or_else(|| date.parse().ok())
}

/// Finds a token without logging in: one of another program, else the cached one if it belongs to this server.
///
/// Returns `None` with `--insecure`: an existing token must not reach an unverified server.
fn find_token(settings: &Settings, cache: &TokenCache, origin: &TokenOrigin) -> Option<Token> {
    let left = if settings.insecure { None } else { oidc::discover(settings) };
    left.or_else(|| cache.read(origin))
}

/// Returns source and expiry of another program's token that takes precedence over ours.
pub(crate) fn external_token(settings: &Settings) -> Option<(TokenSource, Option<i64>)> {
    oidc::discover(settings).map(|token| (token.source, token.expires))
}

/// Returns the token to start with: an existing one, else a new one. If many processes start at once, one contacts the
/// server and the others read the token that it wrote.
async fn token(client: &Client) -> Result<Token> {
    let (cache, origin) = (TokenCache::new(client.settings()), TokenOrigin::from_settings(client.settings()));
    let token = match find_token(client.settings(), &cache, &origin) {
        Some(token) if token.is_external() && !oidc::is_for_account(client, &cache, &origin, &token).await => {
            cache.read(&origin)
        }
        token => token,
    };
    match token {
        Some(token) => return Ok(refresh_if_due(client, token).await),
        None if client.may_log_in() => {}
        None => return Err(Error::new(Exception::CannotAuthenticate, "There is no token in the cache.")),
    }
    let _lock = cache.lock().await;
    match cache.read_again(&origin) {
        Some(token) => Ok(token),
        None => renew(client, &cache, &origin).await,
    }
}

/// Returns the token, renewed if it expires soon and can be renewed.
async fn refresh_if_due(client: &Client, token: Token) -> Token {
    if !client.may_log_in() || !oidc::is_due(client.settings(), &token) {
        return token;
    }
    let (cache, origin) = (TokenCache::new(client.settings()), TokenOrigin::from_settings(client.settings()));
    oidc::refresh_token(client, &cache, &origin, token).await
}

/// Replaces a token that the server refused: by one that another process has written since, or by a new one.
async fn replace(client: &Client, refused: &Token) -> Result<Token> {
    if !client.may_log_in() {
        return Err(Error::new(Exception::CannotAuthenticate, "The server refuses the token in the cache."));
    }
    let (cache, origin) = (TokenCache::new(client.settings()), TokenOrigin::from_settings(client.settings()));
    if refused.is_external() {
        return replace_foreign(client, &cache, &origin, refused).await;
    }
    let _lock = cache.lock().await;
    match cache.read_again(&origin) {
        Some(token) if token != *refused => Ok(token),
        _ if oidc::recheck_refused_token(client, refused).await => Ok(refused.clone()),
        _ => renew(client, &cache, &origin).await,
    }
}

/// Forces a new token; without interaction if a refresh token exists.
async fn force_renewal(client: &Client) -> Result<Token> {
    let cache = TokenCache::new(client.settings());
    let origin = TokenOrigin::from_settings(client.settings());
    let _lock = cache.lock().await;
    renew(client, &cache, &origin).await
}

/// Replaces a refused token of another program: by one that this program has written since, else by the cached one if
/// the server accepts it, else by a new one.
async fn replace_foreign(client: &Client, cache: &TokenCache, origin: &TokenOrigin, refused: &Token) -> Result<Token> {
    match oidc::discover(client.settings()) {
        Some(token) if token != *refused => return Ok(token),
        _ => {}
    }
    let _lock = cache.lock().await;
    if oidc::recheck_refused_token(client, refused).await {
        return Ok(refused.clone());
    }
    oidc::warn_refused(client, refused);
    match cache.read_again(origin) {
        Some(token) if oidc::recheck_refused_token(client, &token).await => Ok(token),
        _ => renew(client, cache, origin).await,
    }
}

/// Logs in, whether or not there is a token, and saves the new one.
async fn log_in(client: &Client) -> Result<Token> {
    let (cache, origin) = (TokenCache::new(client.settings()), TokenOrigin::from_settings(client.settings()));
    let _lock = cache.lock().await;
    authenticate(client, &cache, &origin).await
}

/// Returns a new token, without interaction if possible.
async fn renew(client: &Client, cache: &TokenCache, origin: &TokenOrigin) -> Result<Token> {
    match oidc::resume(client, cache, origin).await? {
        Some(token) => Ok(token),
        None => authenticate(client, cache, origin).await,
    }
}

async fn authenticate(client: &Client, cache: &TokenCache, origin: &TokenOrigin) -> Result<Token> {
    tracing::debug!("get a new token");
    let token = match &client.settings().auth {
        AuthMethod::Userpass { username, password } => {
            userpass::authenticate(client, username.as_deref(), password.as_ref()).await
        }
        AuthMethod::X509 { cert, key } => x509::authenticate(client, "auth/x509", cert, key.as_deref()).await,
        AuthMethod::X509Proxy { proxy } => x509::authenticate(client, "auth/x509_proxy", proxy, None).await,
        AuthMethod::Oidc(_) if !client.interact().is_there() => {
            Err(Error::new(Exception::CannotAuthenticate, "This login needs somebody at a browser.")
                .with_hint(Hint::LogIn { force: false }))
        }
        AuthMethod::Oidc(settings) => oidc::authenticate(client, settings, cache, origin).await,
        AuthMethod::Ssh { private_key, agent } => ssh::authenticate(client, private_key, agent.as_deref()).await,
        AuthMethod::Gss => gss::authenticate(client).await,
    }
    .map_err(|error| add_hint(error, &client.settings().auth))?;
    store(client, cache, origin, &token);
    Ok(token)
}

/// Saves a token for the next command.
fn store(client: &Client, cache: &TokenCache, origin: &TokenOrigin, token: &Token) {
    match cache.write(token, origin) {
        Ok(place) => oidc::write_expiry(client.settings(), place.file(), token),
        Err(error) if client.settings().insecure => tracing::debug!("The token is not kept: {error}"),
        Err(error) => tracing::warn!("The token could not be kept for the next command: {error}"),
    }
}

/// Runs `ask` on a blocking thread: it may wait for the user, and Ctrl-C must still work.
pub(crate) async fn ask_blocking<T: Send + 'static>(ask: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let task = tokio::task::spawn_blocking(ask);
    task.await.map_err(|error| Error::io("Cannot ask", std::io::Error::other(error)))
}

/// Returns the account, for authentication methods for which the server has no default account.
fn named_account(client: &Client) -> Result<&str> {
    client.account().ok_or_else(|| {
        let details = format!("A login by {} is for an account, and none is named.", client.settings().auth.name());
        Error::new(Exception::CannotAuthenticate, details).with_hint(
            "Give the option --account, set RUCIO_ACCOUNT, or add `account = …` to [client] in the configuration file.",
        )
    })
}

/// Adds a hint to a refused login, unless the error has one.
fn add_hint(error: Error, method: &AuthMethod) -> Error {
    if error.class() != Some(Exception::CannotAuthenticate) || !error.hints().is_empty() {
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
        assert!(format!("{:?}", add_hint(refused(), &proxy).hints()).contains("voms-proxy-init"));
        assert_eq!(add_hint(refused().with_hint("Mine."), &proxy).hints(), ["Mine.".into()]);
        assert!(add_hint(Error::new(Exception::ServerConnectionException, ""), &proxy).hints().is_empty());
    }

    #[test]
    fn a_token_is_never_printed() {
        assert!(!format!("{:?}", Token::new("jdoe-secret-token", None)).contains("secret"));
    }
}
