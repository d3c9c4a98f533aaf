//! Renewing a token without anybody logging in: `GET /auth/oidc_refresh`, where the Rucio server keeps the refresh token;
//! at the provider, where we do.

use std::fs;
use std::path::Path;

use super::provider::Provider;
use super::{Kept, kept};
use crate::auth::token_cache::replace_file;
use crate::auth::{Origin, Source, Token, TokenCache, now, store};
use crate::config::{AuthMethod, OidcLogin, OidcProvider, OidcSettings, Settings};
use crate::error::{Error, Result};
use crate::http::{Client, Request};

/// Whether a token of the cache ends so soon that it should be renewed now.
pub(in crate::auth) fn is_due(settings: &Settings, token: &Token) -> bool {
    let ours = matches!(settings.auth, AuthMethod::Oidc(_)) && matches!(token.source, Source::Cache(_));
    let window = settings.oidc_refresh_before_exp.saturating_mul(60);
    let soon = || token.expires.or_else(|| noted_expiry(settings)).is_some_and(|end| end - window < now());
    settings.oidc_refresh_active && ours && soon()
}

/// A token in the place of one that ends soon: what another process has written since, else a renewed one, else the one
/// there is, which is still good.
pub(in crate::auth) async fn freshen(client: &Client, cache: &TokenCache, origin: &Origin, token: Token) -> Token {
    // Without the lock another process may be renewing it, and a refresh token is good only once.
    let Some(_lock) = cache.lock().await else { return token };
    match cache.read_again(origin) {
        Some(other) if other != token => return other,
        _ => {}
    }
    let renewed = match &client.settings().auth {
        AuthMethod::Oidc(oidc) if oidc.login == OidcLogin::Rucio => at_rucio(client, &token).await,
        _ => at_provider(client, cache, origin).await,
    };
    match renewed {
        Ok(Some(renewed)) => {
            store(client, cache, origin, &renewed);
            renewed
        }
        Ok(None) => {
            tracing::debug!("the token cannot be renewed; it is used to its end");
            token
        }
        Err(error) => {
            tracing::warn!("The token, which ends soon, could not be renewed: {error}");
            token
        }
    }
}

/// The server answers with empty headers where it keeps no refresh token, and with the same token if it is new.
async fn at_rucio(client: &Client, token: &Token) -> Result<Option<Token>> {
    if client.account().is_none() {
        tracing::debug!("the server renews tokens only for an account that is named");
        return Ok(None);
    }
    let request = Request::get("auth/oidc_refresh").header("x-rucio-auth-token", token.expose());
    let response = client.authenticate(client.connections()?, &request).await?;
    let renewed = |name| response.headers().get(name).is_some_and(|value| !value.is_empty());
    match response.status().is_success() && !renewed("x-rucio-auth-token") {
        true => Ok(None),
        false => Token::from_answer(response).await.map(Some),
    }
}

/// A token for the refresh token that is kept, if one is. Needs the lock of the cache.
pub(in crate::auth) async fn resume(client: &Client, cache: &TokenCache, origin: &Origin) -> Result<Option<Token>> {
    match at_provider(client, cache, origin).await? {
        Some(token) => {
            store(client, cache, origin, &token);
            Ok(Some(token))
        }
        None => Ok(None),
    }
}

async fn at_provider(client: &Client, cache: &TokenCache, origin: &Origin) -> Result<Option<Token>> {
    let Some((oidc, at)) = direct(client.settings()) else { return Ok(None) };
    let Some(kept) = kept::find(cache, origin, at) else { return Ok(None) };
    let provider = Provider::discover(client, at, oidc).await?;
    match provider.refresh(&kept).await {
        Ok(granted) => {
            // Most providers give a new refresh token and take the old one back.
            let next = granted.refresh.map(|secret| Kept::new(origin, at, secret)).unwrap_or(kept);
            kept::keep(cache, origin, Some(next));
            Ok(Some(granted.token))
        }
        Err(error) if is_refusal(&error) => {
            tracing::debug!("the login at {} is over: {error}", at.issuer);
            kept::keep(cache, origin, None);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn direct(settings: &Settings) -> Option<(&OidcSettings, &OidcProvider)> {
    let AuthMethod::Oidc(oidc) = &settings.auth else { return None };
    match &oidc.login {
        OidcLogin::Rucio => None,
        OidcLogin::Device(at) | OidcLogin::Browser(at) => Some((oidc, at)),
    }
}

/// Whether the provider said no, which a new login may change.
fn is_refusal(error: &Error) -> bool {
    error.class() == Some(crate::exceptions::Exception::CannotAuthenticate)
}

/// Writes down when the token in the shared place ends, in seconds since 1970, where the official client reads it. A
/// file that is there is kept up to date also where we renew nothing: with the end of another token in it, the official
/// client would.
pub(in crate::auth) fn keep_expiry(settings: &Settings, place: &Path, token: &Token) {
    let file = &settings.token_exp_epoch_file;
    let wanted = settings.oidc_refresh_active || file.exists();
    let Some(end) = token.expires.filter(|_| wanted && place == settings.token_file) else { return };
    if let Err(error) = replace_file(file, end.to_string().as_bytes()) {
        tracing::warn!("{} could not be written: {error}", file.display());
    }
}

/// What stands there.
fn noted_expiry(settings: &Settings) -> Option<i64> {
    fs::read_to_string(&settings.token_exp_epoch_file).ok()?.trim().parse().ok()
}
