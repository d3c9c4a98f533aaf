//! Token renewal without interaction: `GET /auth/oidc_refresh` if the Rucio server has the refresh token; at the
//! provider if we have it.

use std::fs;
use std::path::Path;

use super::provider::Provider;
use super::{RefreshTokenRecord, acceptance, refresh_tokens};
use crate::auth::token_cache::replace_file;
use crate::auth::{Login, Token};
use crate::config::{AuthMethod, OidcLogin, OidcProvider, OidcSettings, Settings};
use crate::error::Result;
use crate::http::Request;
use crate::time::unix_time;

/// Pause after a renewal or a failed one, in seconds: the server returns the same token for as long.
const PAUSE_SECONDS: i64 = 300;

/// Whether a token expires so soon that it should be renewed now.
pub(in crate::auth) fn is_due(settings: &Settings, token: &Token) -> bool {
    let ours = matches!(settings.auth, AuthMethod::Oidc(_)) && !token.is_external() && token.renew_after <= unix_time();
    let window = settings.oidc_refresh_before_exp.saturating_mul(60);
    let soon =
        || token.expires.or_else(|| read_expiry(settings)).is_some_and(|end| end.saturating_sub(window) < unix_time());
    settings.oidc_refresh_active && ours && soon()
}

/// Replaces a token that expires soon: by one that another process has written since, else by a renewed one. Returns
/// the token itself, which is still valid, if that fails.
pub(in crate::auth) async fn refresh(login: &Login, token: Token) -> Token {
    let without_renewal = |token| Token { renew_after: unix_time() + PAUSE_SECONDS, ..token };
    // Without the lock another process may be renewing it, and a refresh token works only once.
    let Some(_lock) = login.cache.lock().await else { return without_renewal(token) };
    match login.cache.read_again(&login.origin) {
        Some(other) if other != token => return other,
        _ => {}
    }
    let renewed = match provider_settings(login.settings()) {
        None => refresh_at_rucio(login, &token).await,
        Some(_) => refresh_at_provider(login).await,
    };
    match renewed {
        Ok(Some(renewed)) => {
            login.save(&renewed);
            without_renewal(renewed)
        }
        Ok(None) => {
            tracing::debug!("the token cannot be renewed; it is used to its end");
            without_renewal(token)
        }
        Err(error) => {
            tracing::warn!("The token, which ends soon, could not be renewed: {error}");
            without_renewal(token)
        }
    }
}

/// Renews at the Rucio server, which answers with empty headers if it has no refresh token, and with the same token if
/// that is new.
async fn refresh_at_rucio(login: &Login, token: &Token) -> Result<Option<Token>> {
    if login.account().is_none() {
        tracing::debug!("the server renews tokens only for an account that is named");
        return Ok(None);
    }
    let request = Request::get("auth/oidc_refresh").header("x-rucio-auth-token", token.expose());
    let response = login.transport.send_to_auth_host(&request).await?;
    let renewed = |name| response.headers().get(name).is_some_and(|value| !value.is_empty());
    if response.status().is_success() && !renewed("x-rucio-auth-token") {
        Ok(None)
    } else {
        Token::from_response(response).await.map(Some)
    }
}

/// Obtains and saves a token with the saved refresh token, if there is one. The caller holds the lock of the cache.
pub(in crate::auth) async fn resume(login: &Login) -> Result<Option<Token>> {
    match refresh_at_provider(login).await? {
        Some(token) => {
            login.save(&token);
            Ok(Some(token))
        }
        None => Ok(None),
    }
}

async fn refresh_at_provider(login: &Login) -> Result<Option<Token>> {
    let Some((oidc, at)) = provider_settings(login.settings()) else { return Ok(None) };
    let Some(record) = refresh_tokens::find(&login.cache, &login.origin, at) else { return Ok(None) };
    let provider = Provider::discover(login, at, oidc).await?;
    let granted = provider.refresh(&record).await?;
    // Most providers issue a new refresh token and revoke the old one.
    let next = granted.as_ref().map(|granted| match &granted.refresh {
        Some(secret) => RefreshTokenRecord::new(&login.origin, at, secret),
        None => record,
    });
    refresh_tokens::store(&login.cache, &login.origin, next);
    let Some(granted) = granted else { return Ok(None) };
    acceptance::announce_token(login, &granted.token).await;
    Ok(Some(granted.token))
}

fn provider_settings(settings: &Settings) -> Option<(&OidcSettings, &OidcProvider)> {
    let AuthMethod::Oidc(oidc) = &settings.auth else { return None };
    match &oidc.login {
        OidcLogin::Rucio => None,
        OidcLogin::Device(at) | OidcLogin::Browser(at) => Some((oidc, at)),
    }
}

/// Writes the expiry of the token in the shared file, in seconds since 1970, to the file where the official client
/// reads it. An existing file is updated even if renewal is off here: otherwise the official client would renew by the
/// expiry of another token.
pub(in crate::auth) fn write_expiry(settings: &Settings, place: &Path, token: &Token) {
    let file = &settings.token_exp_epoch_file;
    if place != settings.token_file || !(settings.oidc_refresh_active || file.exists()) {
        return;
    }
    let Some(end) = token.expires else { return };
    if let Err(error) = replace_file(file, end.to_string().as_bytes()) {
        tracing::warn!("{} could not be written: {error}", file.display());
    }
}

/// Reads the expiry from that file.
fn read_expiry(settings: &Settings) -> Option<i64> {
    fs::read_to_string(&settings.token_exp_epoch_file).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::TokenSource;
    use crate::config::{Config, Overrides};
    use crate::env_vars::Env;

    fn settings(lines: &str) -> Settings {
        let hosts = "rucio_host = https://r\nauth_host = https://r\naccount = kim\nauth_token_file_path = /nowhere/t";
        let config = Config::parse(&format!("[client]\n{hosts}\nauth_type = oidc\n{lines}"), "rucio.cfg").unwrap();
        Settings::resolve(&Overrides::default(), &Env::fixed([]), &config).unwrap()
    }

    #[test]
    fn refresh_happens_in_the_last_minutes_and_then_not_again() {
        let (on, off) = (settings("auth_oidc_refresh_active = yes"), settings(""));
        let ending_in = |minutes: i64| Token::new("t", Some(unix_time() + minutes * 60));
        assert!(is_due(&on, &ending_in(19)) && !is_due(&on, &ending_in(21)));
        assert!(!is_due(&off, &ending_in(19)));
        assert!(!is_due(&on, &Token { renew_after: unix_time() + 9, ..ending_in(19) }));
        assert!(!is_due(&on, &Token::new("t", None)), "unknown expiry");
        assert!(!is_due(&on, &ending_in(19).from(TokenSource::Variable("BEARER_TOKEN"))));
        let wide = settings("auth_oidc_refresh_active = yes\nauth_oidc_refresh_before_exp = 9223372036854775807");
        assert!(is_due(&wide, &ending_in(60)), "a number of any size is no crash");
    }

    #[test]
    fn refresh_notes_the_expiry_where_the_official_client_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = settings("");
        settings.token_file = folder.path().join("token");
        settings.token_exp_epoch_file = folder.path().join("exp");
        let (place, token) = (settings.token_file.clone(), Token::new("t", Some(1_795_000_000)));
        write_expiry(&settings, &place, &token);
        assert_eq!(read_expiry(&settings), None, "no refresh is due");
        settings.oidc_refresh_active = true;
        write_expiry(&settings, &folder.path().join("another"), &token);
        assert_eq!(read_expiry(&settings), None, "it is that of another place");
        write_expiry(&settings, &place, &token);
        assert_eq!(fs::read_to_string(folder.path().join("exp")).unwrap(), "1795000000");
        settings.oidc_refresh_active = false;
        write_expiry(&settings, &place, &Token::new("t", Some(1_795_000_001)));
        assert_eq!(read_expiry(&settings), Some(1_795_000_001), "what is there is kept up to date");
    }
}
