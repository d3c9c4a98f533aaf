//! Sessions: what one is logged in as, where the token of it is, until when.

mod forget;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use super::token_cache::{
    EXPIRY_MARGIN_SECONDS, Origin, Place, Record, TokenCache, places, require_private, unrecorded,
};
use super::{Claims, Source, Token, found};
use crate::api;
use crate::clock::now;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::http::{Client, Raw};
use crate::secret::Secret;
use crate::types::Validation;
pub use forget::{forget, forget_all};

/// A session, as far as it is known on this machine.
#[derive(Debug, Clone)]
pub struct Session {
    /// The server. Unknown for a token that the official client has written and that was not used here yet.
    pub host: Option<String>,
    /// The server that gave the token.
    pub auth_host: Option<String>,
    /// The VO.
    pub vo: Option<String>,
    /// The way of logging in, by the configuration's name for it.
    pub auth_type: Option<String>,
    /// The account it was asked for; none is the server's choice for the identity.
    pub account: Option<String>,
    /// Where the token comes from.
    pub source: Source,
    /// When it was got or first seen, in seconds since 1970, UTC.
    pub since: Option<i64>,
    /// When it ends, in seconds since 1970, UTC.
    pub expires: Option<i64>,
    /// What the token says of itself, if it is a JSON web token.
    pub claims: Option<Claims>,
    /// The token, where it may still be used.
    token: Option<Token>,
}

/// When to log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Where there is no token that the server takes.
    Needed,
    /// In any case, but nobody is asked where the token can be renewed.
    Renew,
    /// In any case, from the start.
    Anew,
}

/// A session, and what the server says of it.
#[derive(Debug)]
pub struct LoggedIn {
    /// The session.
    pub session: Session,
    /// Whose it is, and until when.
    pub said: Raw<Validation>,
}

/// What became of a login.
#[derive(Debug)]
pub enum LogIn {
    /// A session.
    Done(Box<LoggedIn>),
    /// The login was one for this account, not for the one that was asked for. Its token has been forgotten.
    AsAnother(String),
}

impl Session {
    /// Whether it ended or is about to, as far as that is known here.
    pub fn has_ended(&self) -> bool {
        has_ended(self.expires)
    }

    /// Seconds until it ends; none left if it has.
    pub fn seconds_left(&self) -> Option<i64> {
        self.expires.map(|end| (end - now()).max(0))
    }

    /// The token, if there is one that may still be used.
    pub fn secret(&self) -> Option<Secret> {
        self.token.as_ref().map(|token| Secret::from(token.expose()))
    }

    /// The file the token is kept in.
    pub fn file(&self) -> Option<&Path> {
        match &self.source {
            Source::File(path) | Source::Cache(path) => Some(path),
            Source::Variable(_) | Source::Login => None,
        }
    }

    /// Whether there is anything: a record alone, whose token is gone before its end, is no session.
    fn is_one(&self) -> bool {
        self.token.is_some() || self.has_ended()
    }

    /// One with a token that may be used.
    fn of(token: Token, client: &Client, record: Option<&Record>) -> Self {
        let settings = client.settings();
        let claims = Claims::of(token.expose());
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

    /// One that is kept in this place, whoever wrote it.
    fn kept(place: &Place) -> Self {
        let value = place.value().ok().flatten();
        let claims = value.as_deref().and_then(Claims::of);
        let record = place.record();
        // What another program wrote after our record has an end of its own.
        let of_this = record.as_ref().filter(|record| value.as_deref().is_none_or(|value| record.is_of(value)));
        let expires = of_this.and_then(|record| record.expires).or(claims.as_ref().and_then(|claims| claims.exp));
        let since = of_this.and_then(|record| record.since).or(claims.as_ref().and_then(|claims| claims.nbf));
        let usable = value.filter(|_| !has_ended(expires));
        let origin = record.map(|record| record.origin);
        let origin = origin.as_ref();
        Self {
            host: origin.map(|origin| origin.host.clone()),
            auth_host: origin.map(|origin| origin.auth_host.clone()),
            vo: origin.map(|origin| origin.vo.clone()),
            auth_type: origin.map(|origin| origin.auth_type.clone()),
            account: origin.map_or_else(|| account_in_name(place.file()), |origin| origin.account.clone()),
            source: Source::Cache(place.file().to_owned()),
            since,
            expires,
            claims,
            token: usable.map(|value| Token::new(&value, expires)),
        }
    }
}

fn has_ended(expires: Option<i64>) -> bool {
    expires.is_some_and(|end| end - EXPIRY_MARGIN_SECONDS < now())
}

/// The account in the name of a token file of the official client.
fn account_in_name(file: &Path) -> Option<String> {
    file.file_name()?.to_str()?.strip_prefix("auth_token_for_account_").map(str::to_owned)
}

/// The session that commands use under these settings, or the one that ended last. Asks nobody anything.
pub fn current(client: &Client) -> Option<Session> {
    let (cache, origin) = (TokenCache::new(client.settings()), Origin::of(client.settings()));
    let places = cache.places_of(&origin);
    match found(client.settings(), &cache, &origin) {
        Some(token) => {
            let record = match &token.source {
                Source::Cache(path) => places.iter().find(|place| place.file() == path).and_then(Place::record),
                _ => None,
            };
            Some(Session::of(token, client, record.as_ref()))
        }
        None => {
            let of_it = |place: &&Place| place.record().is_some_and(|record| record.origin.same_place(&origin));
            places.iter().find(of_it).map(Session::kept).filter(Session::has_ended)
        }
    }
}

/// All sessions kept in these folders, and whether each is the one that commands use under these settings.
pub fn all(folders: &[PathBuf], client: Option<&Client>) -> Vec<(Session, bool)> {
    let used = client.and_then(current).and_then(|session| session.file().map(Path::to_owned));
    // What others can write to tells nothing.
    let folders = folders.iter().filter(|folder| require_private(folder, 0o022).is_ok());
    let places = folders.flat_map(|folder| places(folder).into_iter().chain(unrecorded(folder)));
    let kept = places.map(|place| Session::kept(&place)).filter(Session::is_one);
    let is_used = |session: &Session| used.is_some() && session.file() == used.as_deref();
    kept.map(|session| {
        let is_used = is_used(&session);
        (session, is_used)
    })
    .collect()
}

/// What the server says of a session; nothing if it does not accept its token.
///
/// # Errors
/// All that are no refusal of the token.
pub async fn check(client: &Client, session: &Session) -> Result<Option<Raw<Validation>>> {
    let Some(secret) = session.secret() else { return Ok(None) };
    match api::auth::validate(client, &secret).await {
        Ok(said) => Ok(Some(said)),
        Err(error) if error.class() == Some(Exception::CannotAuthenticate) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Gets a session.
///
/// # Errors
/// Those of the login.
pub async fn log_in(client: &Client, when: When) -> Result<LogIn> {
    let token = match (when, current(client).and_then(|session| session.token)) {
        (When::Anew, _) => super::log_in(client).await?,
        (When::Renew, _) => super::renewed(client).await?,
        (When::Needed, None) => super::token(client).await?,
        (When::Needed, Some(token)) => match validate(client, &token).await {
            Ok(said) => return done(client, token, said),
            Err(error) if error.class() == Some(Exception::CannotAuthenticate) => {
                super::replace(client, &token).await?
            }
            Err(error) => return Err(error),
        },
    };
    let said = validate(client, &token).await?;
    done(client, token, said)
}

/// A token of the account that was asked for makes a session; one of another is forgotten.
fn done(client: &Client, token: Token, said: Raw<Validation>) -> Result<LogIn> {
    if client.account().is_some_and(|account| account != said.account) {
        forget(client)?;
        return Ok(LogIn::AsAnother(said.account.clone()));
    }
    Ok(LogIn::Done(Box::new(LoggedIn { session: session_of(client, token), said })))
}

async fn validate(client: &Client, token: &Token) -> Result<Raw<Validation>> {
    api::auth::validate(client, &Secret::from(token.expose())).await
}

/// The session of a token just got, with the place it is kept in.
fn session_of(client: &Client, token: Token) -> Session {
    match current(client) {
        Some(kept) if kept.token.as_ref() == Some(&token) => kept,
        _ => Session::of(token, client, None),
    }
}

/// A token that the server takes and that lives at least so many seconds more; got anew if need be, as long as nobody
/// has to be asked.
///
/// # Errors
/// Those of the login; `CannotAuthenticate` if the server's tokens live shorter.
pub async fn token(client: &Client, min_life: i64) -> Result<Secret> {
    let lives_too_short = |token: &Token| token.expires.is_some_and(|end| end - now() < min_life);
    let short = current(client).and_then(|session| session.token).as_ref().is_some_and(lives_too_short);
    let LoggedIn { session, said } = match log_in(client, if short { When::Renew } else { When::Needed }).await? {
        LogIn::Done(done) => *done,
        LogIn::AsAnother(account) => {
            let details = format!("The login is one of account {account}, not of the one that was asked for.");
            return Err(Error::new(Exception::CannotAuthenticate, details));
        }
    };
    match (session.secret(), said.expires()) {
        (_, Some(end)) if end - now() < min_life => {
            let details = format!("The server's new token ends in {} seconds", end - now());
            Err(Error::new(Exception::CannotAuthenticate, details).with_hint("Ask for a shorter --min-life."))
        }
        (Some(secret), _) => Ok(secret),
        (None, _) => Err(Error::new(Exception::CannotAuthenticate, "There is no token.")),
    }
}
