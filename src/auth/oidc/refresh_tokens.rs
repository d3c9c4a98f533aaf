//! The refresh token issued by a provider, in a private file beside the token: `<token file>.refresh`.
//!
//! Refresh tokens of logins through the Rucio server stay on the server.

use std::io::{ErrorKind, Result};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{TokenCache, TokenOrigin};
use crate::auth::token_cache::{REFRESH, replace_file, require_private, require_trusted_folder};
use crate::config::OidcProvider;
use crate::secret::Secret;

/// A refresh token and its origin. It is sent to that provider only, for a token of that server and account.
#[derive(Serialize, Deserialize)]
pub(super) struct RefreshTokenRecord {
    #[serde(flatten)]
    origin: TokenOrigin,
    provider: String,
    client_id: String,
    refresh_token: String,
}

impl RefreshTokenRecord {
    pub(super) fn new(origin: &TokenOrigin, at: &OidcProvider, secret: &Secret) -> Self {
        Self {
            origin: origin.clone(),
            provider: at.issuer.clone(),
            client_id: at.client_id.clone(),
            refresh_token: secret.expose().to_owned(),
        }
    }

    pub(super) fn secret(&self) -> &str {
        &self.refresh_token
    }

    fn belongs_to(&self, origin: &TokenOrigin, at: &OidcProvider) -> bool {
        self.origin.is_interchangeable_with(origin) && self.provider == at.issuer && self.client_id == at.client_id
    }
}

/// Returns the saved refresh token for such a login, if its file can be trusted.
pub(super) fn find(cache: &TokenCache, origin: &TokenOrigin, at: &OidcProvider) -> Option<RefreshTokenRecord> {
    if cache.is_closed() {
        return None;
    }
    let files = cache.files_for(origin).into_iter().map(|token| token.sibling(REFRESH));
    files.into_iter().find_map(|file| match read(&file) {
        Ok(record) => Some(record).filter(|record| record.belongs_to(origin, at)),
        Err(error) => {
            if error.kind() != ErrorKind::NotFound {
                tracing::warn!("The refresh token {} is not used: {error}", file.display());
            }
            None
        }
    })
}

fn read(file: &Path) -> Result<RefreshTokenRecord> {
    require_private(file, 0o077)?;
    if let Some(folder) = file.parent() {
        require_trusted_folder(folder)?;
    }
    Ok(serde_json::from_slice(&std::fs::read(file)?)?)
}

/// Saves a refresh token in place of any for the same origin; `None` only removes that.
pub(super) fn store(cache: &TokenCache, origin: &TokenOrigin, record: Option<RefreshTokenRecord>) {
    if cache.is_closed() {
        return;
    }
    let places = cache.files_for(origin);
    for file in places.iter().map(|place| place.sibling(REFRESH)) {
        if read(&file).is_ok_and(|other| other.origin.is_interchangeable_with(origin)) {
            // Best effort: most providers have already replaced the old refresh token.
            let _ = std::fs::remove_file(file);
        }
    }
    let Some(record) = record else { return };
    let written = cache.make_folder().and_then(|()| {
        let file = cache.file_for(origin, None).sibling(REFRESH);
        replace_file(&file, &serde_json::to_vec(&record)?)
    });
    if let Err(error) = written {
        tracing::warn!("The refresh token could not be kept: {error}");
    }
}
