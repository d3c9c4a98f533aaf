//! What the Rucio server says of a token that it has not given itself: whether it takes it, and for which account.

use super::cannot_authenticate;
use crate::auth::{Claims, Origin, Token, TokenCache};
use crate::config::AuthMethod;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::http::Client;
use crate::secret::Secret;

/// Asks the server for the account of a token that it has not given itself: that of the identity by default.
///
/// # Errors
/// `CannotAuthenticate` if it takes no such token, or takes it for another account than ours.
pub(super) async fn accept(client: &Client, token: &Token) -> Result<()> {
    let account = validate(client, token).await.map_err(|error| match error.class() {
        Some(Exception::CannotAuthenticate) => not_accepted(client, token),
        _ => error,
    })?;
    match client.account() {
        Some(wanted) if account != wanted => Err(cannot_authenticate(format!(
            "The server takes {} for the account {account}, not for {wanted}.",
            identity(token)
        ))
        .with_hint(format!(
            "Act as that account (--account {account}), or have the server log you in, which may choose another one of \
             yours: [client] oidc_login = rucio."
        ))),
        _ => Ok(()),
    }
}

/// Tells that the server refused the token of another program, and what to do about it.
pub(in crate::auth) fn tell_refused(client: &Client, token: &Token) {
    tracing::warn!(
        "The server refuses the token of {} ({}). Remove it, or have an administrator run `{}`, if that is what it lacks. \
         Going on without it.",
        token.source,
        identity(token),
        mapping_command(client, &identity(token))
    );
}

/// Whether the server takes another program's token, for our account if one is named: it chooses the account by the
/// identity. Asked once for each token, also by many processes: a server that gets to know a token from several at the same
/// time refuses it to some of them.
pub(in crate::auth) async fn is_for_account(
    client: &Client,
    cache: &TokenCache,
    origin: &Origin,
    token: &Token,
) -> bool {
    if !client.may_log_in() || cache.has_checked(origin, token) {
        return true;
    }
    let _lock = cache.lock().await;
    if cache.has_checked(origin, token) {
        return true;
    }
    match (validate(client, token).await, client.account()) {
        (Ok(account), Some(wanted)) if account != wanted => {
            tracing::warn!(
                "The token of {} is not used: it is good for the account {account}, not for {wanted} (--account {account} \
                 uses it).",
                token.source
            );
            false
        }
        (Ok(_), _) => {
            cache.note_checked(origin, token);
            true
        }
        (Err(error), _) if error.class() == Some(Exception::CannotAuthenticate) => {
            tell_refused(client, token);
            false
        }
        // Whatever else is wrong is told by what the command asks.
        (Err(_), _) => true,
    }
}

/// Whether the server takes a token of OpenID Connect that it has just refused, or that was there before: one that it got to
/// know from several processes at the same time it refuses to some of them, and a login would cost a person's time.
pub(in crate::auth) async fn is_good_after_all(client: &Client, token: &Token) -> bool {
    matches!(client.settings().auth, AuthMethod::Oidc(_)) && validate(client, token).await.is_ok()
}

/// Has the server get to know a token from one process. What it says is told by what the command asks.
pub(super) async fn introduce(client: &Client, token: &Token) {
    if let Err(error) = validate(client, token).await {
        tracing::debug!("{error}");
    }
}

/// The account of a token.
async fn validate(client: &Client, token: &Token) -> Result<String> {
    let said = crate::api::auth::validate(client, &Secret::from(token.expose())).await?;
    Ok(said.account.clone())
}

fn not_accepted(client: &Client, token: &Token) -> Error {
    let claims = Claims::of(token.expose()).unwrap_or_default();
    let (audience, scope) = (claims.aud.join(" "), claims.scope.unwrap_or_default());
    cannot_authenticate(format!(
        "The login was successful, but the Rucio server does not accept the token of {}: this identity belongs to no \
         account, or the token is not for this server (audience '{audience}', scopes '{scope}').",
        identity(token)
    ))
    .with_hint(format!(
        "An administrator can map the identity: `{}`. Or ask for another token: [client] oidc_audience and oidc_scope.",
        mapping_command(client, &identity(token))
    ))
}

/// The identity of a token, as Rucio writes it.
fn identity(token: &Token) -> String {
    let claims = Claims::of(token.expose()).unwrap_or_default();
    format!("SUB={}, ISS={}", claims.sub.unwrap_or_default(), claims.iss.unwrap_or_default())
}

/// What maps an identity to the account.
pub(super) fn mapping_command(client: &Client, identity: &str) -> String {
    let account = client.account().unwrap_or("ACCOUNT");
    format!("rucio-admin identity add --account {account} --type OIDC --id '{identity}' --email EMAIL")
}
