//! Read-only inspection of the token cache, for `doctor`.

use std::io::{ErrorKind, Result};
use std::path::{Path, PathBuf};

use super::token_file::{Place, Record, require_private};
use super::{Origin, TokenCache};
use crate::auth::Claims;
use crate::config::Settings;

/// A cached token.
#[derive(Debug)]
pub(crate) struct Kept {
    /// Its file.
    pub(crate) file: PathBuf,
    /// Whether commands use it.
    pub(crate) state: State,
}

/// Whether commands use a token. Times are seconds since 1970, UTC.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Used, until this time if it is known.
    Good(Option<i64>),
    /// Expired at this time.
    Ended(i64),
    /// Belongs to the server, account or authentication method named here, not to these settings.
    Another(String),
    /// Not trusted, or not a token, for this reason.
    Distrusted(String),
}

/// Returns the cached token for these settings; a valid one takes precedence.
pub(crate) fn kept(settings: &Settings) -> Option<Kept> {
    let (cache, origin) = (TokenCache::new(settings), Origin::of(settings));
    let places = [cache.own(&origin), cache.shared.clone()];
    let found: Vec<_> = places.iter().filter_map(|place| look(place, &origin, *place == cache.shared)).collect();
    let good = found.iter().position(|kept| matches!(kept.state, State::Good(_)));
    found.into_iter().nth(good.unwrap_or(0))
}

/// Checks that tokens may be saved in this folder: it is the user's, and others cannot write to it.
pub(crate) fn trusted(folder: &Path) -> Result<()> {
    require_private(folder, 0o022)
}

fn look(place: &Place, origin: &Origin, shared: bool) -> Option<Kept> {
    let state = match place.value() {
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        Err(error) => State::Distrusted(error.to_string()),
        Ok(None) => State::Distrusted("this is no token".to_owned()),
        Ok(Some(value)) => state(place.record().as_ref(), &value, origin, shared),
    };
    Some(Kept { file: place.file().to_owned(), state })
}

fn state(record: Option<&Record>, value: &str, origin: &Origin, shared: bool) -> State {
    let own_end = Claims::of(value).and_then(|claims| claims.exp);
    let end = match record {
        Some(record) if record.is_of(value) && record.origin.same_place(origin) => record.expires.or(own_end),
        Some(record) if record.is_of(value) => return State::Another(name(&record.origin)),
        Some(record) if record.origin.same_place(origin) && !record.several => own_end,
        None if origin.configured && shared => own_end,
        _ => return State::Another("an unknown server".to_owned()),
    };
    match end {
        Some(end) if end <= crate::clock::now() => State::Ended(end),
        end => State::Good(end),
    }
}

fn name(origin: &Origin) -> String {
    let account = origin.account.as_deref().unwrap_or("the default account");
    format!("{account} at {} by {}", origin.host, origin.auth_type)
}
