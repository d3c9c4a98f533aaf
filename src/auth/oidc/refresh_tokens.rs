//! The refresh token issued by a provider, in a private file beside the token: `<token file>.refresh`.
//!
//! Refresh tokens of logins through the Rucio server stay on the server.

use std::io::{ErrorKind, Result};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Origin, TokenCache};
use crate::auth::token_cache::{REFRESH, replace_file, require_private};
use crate::config::OidcProvider;
use crate::secret::Secret;

/// A refresh token and its origin. It is sent to that provider only, for a token of that server and account.
#[derive(Serialize, Deserialize)]
pub(super) struct Kept {
    #[serde(flatten)]
    origin: Origin,
    provider: String,
    client_id: String,
    refresh_token: String,
}

impl Kept {
    pub(super) fn new(origin: &Origin, at: &OidcProvider, secret: &Secret) -> Self {
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

    fn is_of(&self, origin: &Origin, at: &OidcProvider) -> bool {
        self.origin.same_place(origin) && self.provider == at.issuer && self.client_id == at.client_id
    }
}

/// Returns the saved refresh token for such a login, if its file can be trusted.
pub(super) fn find(cache: &TokenCache, origin: &Origin, at: &OidcProvider) -> Option<Kept> {
    let places = cache.places_of(origin);
    let places = places.iter().filter(|_| !cache.is_closed());
    places.map(|place| place.beside(REFRESH)).find_map(|file| match read(&file) {
        Ok(kept) => Some(kept).filter(|kept| kept.is_of(origin, at)),
        Err(error) => {
            if error.kind() != ErrorKind::NotFound {
                tracing::warn!("The refresh token {} is not used: {error}", file.display());
            }
            None
        }
    })
}

fn read(file: &Path) -> Result<Kept> {
    require_private(file, 0o077)?;
    if let Some(folder) = file.parent() {
        require_private(folder, 0o022)?;
    }
    Ok(serde_json::from_slice(&std::fs::read(file)?)?)
}

/// Saves a refresh token in place of any for the same origin; `None` only removes that.
pub(super) fn keep(cache: &TokenCache, origin: &Origin, kept: Option<Kept>) {
    if cache.is_closed() {
        return;
    }
    let places = cache.places_of(origin);
    for file in places.iter().map(|place| place.beside(REFRESH)) {
        if read(&file).is_ok_and(|other| other.origin.same_place(origin)) {
            // Best effort: most providers have already replaced the old refresh token.
            let _ = std::fs::remove_file(file);
        }
    }
    let Some(kept) = kept else { return };
    let written = cache.make_folder().and_then(|()| {
        let file = cache.home_of(origin).beside(REFRESH);
        replace_file(&file, &serde_json::to_vec(&kept)?)
    });
    if let Err(error) = written {
        tracing::warn!("The refresh token could not be kept: {error}");
    }
}
