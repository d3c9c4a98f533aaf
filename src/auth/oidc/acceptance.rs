//! Acceptance of tokens that the Rucio server did not issue: whether it accepts them, and for which account.

use super::cannot_authenticate;
use crate::auth::{Claims, Login, Token};
use crate::config::AuthMethod;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::hint::{Command, Hint, Parameter};
use crate::secret::Secret;

/// Checks that the server accepts a token that it did not issue, for our account if one is set. By default the server
/// uses the account of the identity.
///
/// # Errors
/// `CannotAuthenticate` if it refuses the token, or accepts it for another account than ours.
pub(super) async fn accept(login: &Login, token: &Token) -> Result<()> {
    let account = validate(login, token).await.map_err(|error| match error.class() {
        Some(Exception::CannotAuthenticate) => not_accepted(login, token),
        _ => error,
    })?;
    match login.account() {
        Some(wanted) if account != wanted => Err(cannot_authenticate(format!(
            "The server accepts {} for the account {account}, not for {wanted}.",
            identity(token)
        ))
        .with_hint(Hint::values("Act as that account", [(Parameter::Account, account.clone())]))
        .with_hint(
            "Or let the server log you in, which may choose another one of yours: [client] oidc_login = rucio.",
        )),
        _ => Ok(()),
    }
}

/// Warns that the server refused another program's token, with advice.
pub(in crate::auth) fn warn_refused(login: &Login, token: &Token) {
    tracing::warn!(
        "The server refuses the token of {} ({}); it is not used. Remove it, or have an administrator add this OIDC identity \
         to the account {}.",
        token.source,
        identity(token),
        login.account().unwrap_or("you use")
    );
}

/// Whether the server accepts another program's token, for our account if one is set: the server derives the account
/// from the identity. Checked once per token, also across processes: a server that first sees a token from several
/// processes at the same time refuses it to some of them.
pub(in crate::auth) async fn is_for_account(login: &Login, token: &Token) -> bool {
    if !login.may_log_in || login.cache.has_checked(&login.origin, token) {
        return true;
    }
    let _lock = login.cache.lock().await;
    if login.cache.has_checked(&login.origin, token) {
        return true;
    }
    match (validate(login, token).await, login.account()) {
        (Ok(account), Some(wanted)) if account != wanted => {
            tracing::warn!(
                "The token of {} is not used: it is for the account {account}, not for {wanted}.",
                token.source
            );
            false
        }
        (Ok(_), _) => {
            login.cache.record_checked(&login.origin, token);
            true
        }
        (Err(error), _) if error.class() == Some(Exception::CannotAuthenticate) => {
            warn_refused(login, token);
            false
        }
        // Other errors are reported by the request of the command itself.
        (Err(_), _) => true,
    }
}

/// Rechecks an OpenID Connect token that the server has just refused, or that was cached before: the server refuses a
/// new token to some of several processes that present it at the same time, and a login would cost the user's time.
pub(in crate::auth) async fn recheck_refused_token(login: &Login, token: &Token) -> bool {
    matches!(login.settings().auth, AuthMethod::Oidc(_)) && validate(login, token).await.is_ok()
}

/// Presents a new token to the server from one process only. Errors are reported by the request of the command itself.
pub(super) async fn announce_token(login: &Login, token: &Token) {
    if let Err(error) = validate(login, token).await {
        tracing::debug!("{error}");
    }
}

/// Returns the account of a token.
async fn validate(login: &Login, token: &Token) -> Result<String> {
    let said = crate::api::auth::validate(&login.transport, &Secret::from(token.expose())).await?;
    Ok(said.account.clone())
}

fn not_accepted(login: &Login, token: &Token) -> Error {
    let claims = Claims::parse(token.expose()).unwrap_or_default();
    let audience = claims.aud.join(" ");
    let scope = claims.scope.unwrap_or_default();
    cannot_authenticate(format!(
        "The login was successful, but the Rucio server does not accept the token of {}: this identity belongs to no \
         account, or the token is not for this server (audience '{audience}', scopes '{scope}').",
        identity(token)
    ))
    .with_hint(add_identity(login, &identity(token)))
    .with_hint(Hint::parameters("Or request another token", [Parameter::OidcAudience, Parameter::OidcScope]))
}

/// Returns the identity of a token in Rucio's notation.
fn identity(token: &Token) -> String {
    let claims = Claims::parse(token.expose()).unwrap_or_default();
    format!("SUB={}, ISS={}", claims.sub.unwrap_or_default(), claims.iss.unwrap_or_default())
}

/// Returns the hint to map an identity to the account.
pub(super) fn add_identity(login: &Login, identity: &str) -> Hint {
    let account = login.account().map(str::to_owned);
    let command = Command::AddIdentity { kind: "OIDC", identity: identity.to_owned(), account };
    Hint::command("An administrator can add the identity", command)
}
