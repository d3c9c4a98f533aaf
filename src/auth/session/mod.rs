//! Sessions as users see them: account and server, location of the token, expiry.
//! Listing, checking, logging in and deleting; how a token is obtained and cached is in the other modules of `auth`.

mod forget;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use super::token_cache::{
    EXPIRY_MARGIN_SECONDS, TokenFile, TokenRecord, recorded_files, require_trusted_folder, unrecorded_files,
};
use super::{Claims, Login, Token, TokenSource};
use crate::api;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::hint::{Hint, Parameter};
use crate::http::Raw;
use crate::secret::Secret;
use crate::time::unix_time;
use crate::types::Validation;
pub(crate) use forget::{forget, forget_all, of_account};

/// A session, as far as it is known on this machine.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    /// The server. Unknown for a token that the official client wrote and that was not used here yet.
    pub host: Option<String>,
    /// The authentication server.
    pub auth_host: Option<String>,
    pub vo: Option<String>,
    /// The authentication method, as named in the configuration.
    pub auth_type: Option<String>,
    /// The requested account; `None` if the server chooses it by the identity.
    pub account: Option<String>,
    pub source: TokenSource,
    /// When the token was obtained, in seconds since 1970, UTC; unknown if another program obtained it.
    pub since: Option<i64>,
    /// Expiry, in seconds since 1970, UTC.
    pub expires: Option<i64>,
    /// The claims of the token, if it is a JSON web token.
    pub claims: Option<Claims>,
    /// The token, if it may still be used.
    token: Option<Token>,
}

/// When to log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LoginMode {
    /// If there is no token that the server accepts.
    IfNeeded,
    /// Always, but without interaction if the token can be renewed.
    Renew,
    /// Always, with a complete login.
    Force,
}

/// A session and the server's answer about it.
#[derive(Debug)]
pub(crate) struct LoggedIn {
    pub session: Session,
    /// Account and expiry, as reported by the server.
    pub said: Raw<Validation>,
}

/// The outcome of a login.
#[derive(Debug)]
pub(crate) enum LoginOutcome {
    /// A session.
    Done(Box<LoggedIn>),
    /// The login was for this account, not for the requested one. Its token has been deleted.
    OtherAccount(String),
}

impl Session {
    /// Whether it has expired or is about to, as far as is known here.
    pub(crate) fn has_ended(&self) -> bool {
        has_ended(self.expires)
    }

    /// Seconds until it expires; 0 if it has, `None` if that is unknown.
    pub(crate) fn seconds_left(&self) -> Option<i64> {
        self.expires.map(|end| (end - unix_time()).max(0))
    }

    /// Returns the token, if it may still be used.
    pub(crate) fn secret(&self) -> Option<Secret> {
        self.token.as_ref().map(|token| Secret::from(token.expose()))
    }

    /// Returns the file that the token is saved in.
    pub(crate) fn file(&self) -> Option<&Path> {
        match &self.source {
            TokenSource::File(path) | TokenSource::Cache(path) => Some(path),
            TokenSource::Variable(_) | TokenSource::Login => None,
        }
    }

    /// Whether there is a session at all: a record whose token is gone before its expiry is not one.
    fn has_content(&self) -> bool {
        self.token.is_some() || self.has_ended()
    }

    /// Creates a session of a usable token.
    fn from_token(token: Token, login: &Login, record: Option<&TokenRecord>) -> Self {
        let settings = login.settings();
        let claims = Claims::parse(token.expose());
        Self {
            host: Some(settings.rucio_host.clone()),
            auth_host: Some(settings.auth_host.clone()),
            vo: Some(settings.vo.clone()),
            auth_type: Some(settings.auth.name().to_owned()),
            account: settings.account.clone(),
            source: token.source.clone(),
            since: record.and_then(|record| record.since).or(claims.as_ref().and_then(|claims| claims.nbf)),
            expires: token.expires,
            claims,
            token: Some(token),
        }
    }

    /// Reads the session saved at this path, also if another program wrote it.
    fn from_file(file: &TokenFile) -> Self {
        let value = file.value().ok().flatten();
        let claims = value.as_deref().and_then(Claims::parse);
        let record = file.record();
        // A token that another program wrote after our record has an expiry of its own.
        let of_this = record.as_ref().filter(|record| value.as_deref().is_none_or(|value| record.belongs_to(value)));
        let expires = of_this.and_then(|record| record.expires).or(claims.as_ref().and_then(|claims| claims.exp));
        let since = of_this.and_then(|record| record.since).or(claims.as_ref().and_then(|claims| claims.nbf));
        let usable = if has_ended(expires) { None } else { value };
        let origin = record.map(|record| record.origin);
        let origin = origin.as_ref();
        Self {
            host: origin.map(|origin| origin.host.clone()),
            auth_host: origin.map(|origin| origin.auth_host.clone()),
            vo: origin.map(|origin| origin.vo.clone()),
            auth_type: origin.map(|origin| origin.auth_type.clone()),
            account: origin.map_or_else(|| account_in_name(file.file()), |origin| origin.account.clone()),
            source: TokenSource::Cache(file.file().to_owned()),
            since,
            expires,
            claims,
            token: usable.map(|value| Token::new(&value, expires)),
        }
    }
}

fn has_ended(expires: Option<i64>) -> bool {
    expires.is_some_and(|end| end - EXPIRY_MARGIN_SECONDS < unix_time())
}

/// Returns the account in the name of a token file of the official client.
fn account_in_name(file: &Path) -> Option<String> {
    file.file_name()?.to_str()?.strip_prefix("auth_token_for_account_").map(str::to_owned)
}

/// Returns the session that commands use under these settings, or else an expired one. Reads local files only.
pub(crate) fn current(login: &Login) -> Option<Session> {
    let files = login.cache.files_for(&login.origin);
    match login.find() {
        Some(token) => {
            let record = match &token.source {
                TokenSource::Cache(path) => files.iter().find(|file| file.file() == path).and_then(TokenFile::record),
                _ => None,
            };
            Some(Session::from_token(token, login, record.as_ref()))
        }
        None => {
            let of_it = |file: &&TokenFile| {
                file.record().is_some_and(|record| record.origin.is_interchangeable_with(&login.origin))
            };
            files.iter().find(of_it).map(Session::from_file).filter(Session::has_ended)
        }
    }
}

/// Whether commands use this session only if they are given the same credentials: another session is the default.
pub(crate) fn requires_same_credentials(login: &Login, session: &Session) -> bool {
    let files = login.cache.files_of_any_identity(&login.origin);
    login.origin.required.is_some() && !files.iter().any(|file| Some(file.file()) == session.file())
}

/// Returns all sessions saved in these folders, each with whether commands use it under these settings.
pub(crate) fn all(folders: &[PathBuf], login: Option<&Login>) -> Vec<(Session, bool)> {
    let used = login.and_then(current).and_then(|session| session.file().map(Path::to_owned));
    // Folders that others can write to are not trusted.
    let folders = folders.iter().filter(|folder| require_trusted_folder(folder).is_ok());
    let files = folders.flat_map(|folder| recorded_files(folder).into_iter().chain(unrecorded_files(folder)));
    let saved = files.map(|file| Session::from_file(&file)).filter(Session::has_content);
    let is_used = |session: &Session| used.is_some() && session.file() == used.as_deref();
    saved
        .map(|session| {
            let is_used = is_used(&session);
            (session, is_used)
        })
        .collect()
}

/// Returns the server's answer about a session; `None` if it refuses the token.
///
/// # Errors
/// All errors but a refusal of the token.
pub(crate) async fn check(login: &Login, session: &Session) -> Result<Option<Raw<Validation>>> {
    let Some(secret) = session.secret() else { return Ok(None) };
    match api::auth::validate(&login.transport, &secret).await {
        Ok(said) => Ok(Some(said)),
        Err(error) if error.class() == Some(Exception::CannotAuthenticate) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns a session, after a login if `when` asks for one.
///
/// # Errors
/// Those of the login.
pub(crate) async fn log_in(login: &Login, when: LoginMode) -> Result<LoginOutcome> {
    let token = match (when, current(login).and_then(|session| session.token)) {
        (LoginMode::Force, _) => login.force_login().await?,
        (LoginMode::Renew, _) => login.force_renewal().await?,
        (LoginMode::IfNeeded, None) => login.obtain().await?,
        (LoginMode::IfNeeded, Some(token)) => match validate(login, &token).await {
            Ok(said) => return finish_login(login, token, said),
            Err(error) if error.class() == Some(Exception::CannotAuthenticate) => login.replace_refused(&token).await?,
            Err(error) => return Err(error),
        },
    };
    let said = validate(login, &token).await?;
    finish_login(login, token, said)
}

/// Returns the session if the token is for the requested account; deletes it otherwise.
fn finish_login(login: &Login, token: Token, said: Raw<Validation>) -> Result<LoginOutcome> {
    if login.account().is_some_and(|account| account != said.account) {
        forget(login)?;
        return Ok(LoginOutcome::OtherAccount(said.account.clone()));
    }
    Ok(LoginOutcome::Done(Box::new(LoggedIn { session: session_of(login, token), said })))
}

async fn validate(login: &Login, token: &Token) -> Result<Raw<Validation>> {
    api::auth::validate(&login.transport, &Secret::from(token.expose())).await
}

/// Returns the session of a token just obtained, with the file it is saved in.
fn session_of(login: &Login, token: Token) -> Session {
    match current(&login.completed()) {
        Some(saved) if saved.token.as_ref() == Some(&token) => saved,
        _ => Session::from_token(token, login, None),
    }
}

/// Returns a token that the server accepts and that is valid for at least `min_life` more seconds; renews it if
/// necessary.
///
/// # Errors
/// Those of the login; `CannotAuthenticate` if the server's tokens have a shorter lifetime.
pub(crate) async fn token(login: &Login, min_life: i64) -> Result<Secret> {
    let lives_too_short = |token: &Token| token.expires.is_some_and(|end| end - unix_time() < min_life);
    let short = current(login).and_then(|session| session.token).as_ref().is_some_and(lives_too_short);
    let LoggedIn { session, said } =
        match log_in(login, if short { LoginMode::Renew } else { LoginMode::IfNeeded }).await? {
            LoginOutcome::Done(done) => *done,
            LoginOutcome::OtherAccount(account) => {
                let details = format!("Logged in as {account}, which is not the requested account.");
                return Err(Error::new(Exception::CannotAuthenticate, details));
            }
        };
    match (session.secret(), said.expires()) {
        (_, Some(end)) if end - unix_time() < min_life => {
            let details = format!("The server's new token expires in {} seconds", end - unix_time());
            Err(Error::new(Exception::CannotAuthenticate, details)
                .with_hint(Hint::parameters("Request a shorter validity", [Parameter::MinimumValidity])))
        }
        (Some(secret), _) => Ok(secret),
        (None, _) => Err(Error::new(Exception::CannotAuthenticate, "There is no token.")),
    }
}
