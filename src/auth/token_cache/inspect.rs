//! Read-only inspection of the token cache, for `doctor`.

use std::io::{ErrorKind, Result};
use std::path::{Path, PathBuf};

use super::token_file::{TokenFile, TokenRecord, mode_if_readable, require_trusted_folder};
use super::{TokenCache, TokenOrigin};
use crate::auth::Claims;
use crate::config::Settings;

/// A cached token.
#[derive(Debug)]
pub(crate) struct CachedToken {
    /// Its file.
    pub(crate) file: PathBuf,
    /// Whether commands use it.
    pub(crate) state: TokenState,
    /// The mode of the file, if other users can read it.
    pub(crate) open_mode: Option<u32>,
}

/// Whether commands use a token. Times are seconds since 1970, UTC.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum TokenState {
    /// Used, until this time if it is known.
    Valid(Option<i64>),
    /// Expired at this time.
    Expired(i64),
    /// Belongs to the server, account or authentication method named here, not to these settings.
    OtherOrigin(String),
    /// Not used, because other credentials were given for this call.
    OtherCredentials,
    /// Not trusted, or not a token, for this reason.
    Untrusted(String),
}

/// Returns the cached token for these settings; a valid one takes precedence.
pub(crate) fn inspect(settings: &Settings) -> Option<CachedToken> {
    let cache = TokenCache::new(settings);
    let origin = TokenOrigin::from_settings(settings);
    let files = cache.files_for(&origin);
    let found: Vec<_> =
        files.iter().rev().filter_map(|file| inspect_file(file, &origin, *file == cache.shared)).collect();
    let good = found.iter().position(|kept| matches!(kept.state, TokenState::Valid(_)));
    found.into_iter().nth(good.unwrap_or(0))
}

/// Checks that tokens may be saved in this folder: others cannot replace files there.
pub(crate) fn trusted(folder: &Path) -> Result<()> {
    require_trusted_folder(folder)
}

fn inspect_file(file: &TokenFile, origin: &TokenOrigin, shared: bool) -> Option<CachedToken> {
    let state = match file.value() {
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        Err(error) => TokenState::Untrusted(error.to_string()),
        Ok(None) => TokenState::Untrusted("this is not a token".to_owned()),
        Ok(Some(value)) => token_state(file.record().as_ref(), &value, origin, shared),
    };
    Some(CachedToken { file: file.file().to_owned(), state, open_mode: mode_if_readable(file.file()) })
}

fn token_state(record: Option<&TokenRecord>, value: &str, origin: &TokenOrigin, shared: bool) -> TokenState {
    let own_end = Claims::parse(value).and_then(|claims| claims.exp);
    let end = match record {
        Some(record) if record.belongs_to(value) && origin.accepts(record) => record.expires.or(own_end),
        Some(record) if record.belongs_to(value) && record.origin.is_interchangeable_with(origin) => {
            return TokenState::OtherCredentials;
        }
        Some(record) if record.belongs_to(value) => return TokenState::OtherOrigin(name(&record.origin)),
        _ if origin.required.is_some() => return TokenState::OtherCredentials,
        Some(record) if record.origin.is_interchangeable_with(origin) && !record.several => own_end,
        None if origin.configured && shared => own_end,
        _ => return TokenState::OtherOrigin("an unknown server".to_owned()),
    };
    match end {
        Some(end) if end <= crate::time::unix_time() => TokenState::Expired(end),
        end => TokenState::Valid(end),
    }
}

fn name(origin: &TokenOrigin) -> String {
    let account = origin.account.as_deref().unwrap_or("the default account");
    format!("{account} at {} by {}", origin.host, origin.auth_type)
}
