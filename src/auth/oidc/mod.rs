//! OpenID Connect: logins in a browser, through the Rucio server or at the provider itself; tokens of other programs
//! (WLCG bearer token discovery); renewal.
//! Other authentication methods and the token cache are in `auth`, the settings in `config::oidc`.

mod acceptance;
mod browser;
mod device;
mod discovery;
mod loopback;
mod provider;
mod provider_http;
mod refresh;
mod refresh_tokens;
mod rucio;

pub(super) use acceptance::{is_for_account, recheck_refused_token, warn_refused};
pub(super) use discovery::{discover, discover_all};
pub(super) use refresh::{is_due, refresh, resume, write_expiry};

use std::time::Duration;

use super::{Login, Token, TokenCache, TokenOrigin, ask_blocking};
use crate::config::{AuthMethod, OidcLogin, OidcSettings, Settings};
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use provider::{Grant, Provider};
use refresh_tokens::RefreshTokenRecord;

/// Lets the user log in with a browser, as configured.
pub(super) async fn authenticate(login: &Login, settings: &OidcSettings) -> Result<Token> {
    match &settings.login {
        OidcLogin::Rucio => rucio::authenticate(login, settings).await,
        OidcLogin::Device(at) => {
            let provider = Provider::discover(login, at, settings).await?;
            let granted = device::log_in(login, &provider).await?;
            accepted(login, granted, &provider).await
        }
        OidcLogin::Browser(at) => {
            let provider = Provider::discover(login, at, settings).await?;
            let granted = browser::log_in(login, &provider, settings.polling_timeout).await?;
            accepted(login, granted, &provider).await
        }
    }
}

/// Returns a provider's token once the Rucio server has accepted it for the right account; saves the refresh token.
async fn accepted(login: &Login, granted: Grant, provider: &Provider<'_>) -> Result<Token> {
    acceptance::accept(login, &granted.token).await?;
    refresh_tokens::store(
        &login.cache,
        &login.origin,
        granted.refresh.map(|secret| RefreshTokenRecord::new(&login.origin, provider.settings, &secret)),
    );
    Ok(granted.token)
}

/// Whether a login at the provider can be renewed without interaction: its refresh token is saved.
pub(crate) fn can_resume(settings: &Settings) -> bool {
    let AuthMethod::Oidc(oidc) = &settings.auth else { return false };
    match &oidc.login {
        OidcLogin::Rucio => false,
        OidcLogin::Device(at) | OidcLogin::Browser(at) => {
            refresh_tokens::find(&TokenCache::new(settings), &TokenOrigin::from_settings(settings), at).is_some()
        }
    }
}

/// Opens a link in a browser that the user can see, if there is one, and says so. Returns whether it did.
async fn open(login: &Login, link: &str) -> Result<bool> {
    let interact = login.interact.clone();
    let may = login.settings().browser && (link.starts_with("https://") || link.starts_with("http://"));
    let link = link.to_owned();
    let opened = may && ask_blocking(move || interact.browse(&link)).await?;
    if opened {
        login.interact.show("Your browser should open it now.");
    }
    Ok(opened)
}

fn cannot_authenticate(details: impl Into<String>) -> Error {
    Error::new(Exception::CannotAuthenticate, details)
}

/// Formats a duration: `90 seconds`, `3 minutes`.
fn duration(time: Duration) -> String {
    match time.as_secs() {
        60 => "1 minute".to_owned(),
        seconds if seconds > 60 && seconds % 60 == 0 => format!("{} minutes", seconds / 60),
        1 => "1 second".to_owned(),
        seconds => format!("{seconds} seconds"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn login_times_are_shown_in_words() {
        for (seconds, text) in
            [(1, "1 second"), (5, "5 seconds"), (60, "1 minute"), (90, "90 seconds"), (180, "3 minutes")]
        {
            assert_eq!(duration(Duration::from_secs(seconds)), text);
        }
    }
}
