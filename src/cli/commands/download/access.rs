//! Storage clients with the user's credentials.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::auth::{Claims, ap_request, ask_blocking, external_storage_tokens};
use crate::certificate::{AskPassphrase, question};
use crate::cli::context::Context;
use crate::cli::terminal::Terminal;
use crate::config::{BearerTokens, StorageAccess};
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::http::{Client, tls};
use crate::interact::Interact;
use crate::storage::Storages;
use crate::storage::http::{Access, StorageToken, WebStorage};
use crate::storage::xrootd::{SessionSettings, XrootdFiles};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// Timeout of a storage that sends no data, unless the user sets a longer time for the whole transfer.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// Both, where the user waits for a diagnosis.
const DIAGNOSIS_TIMEOUT: Duration = Duration::from_secs(5);

/// Creates the storage clients, with the user's proxy or certificate and with the tokens of other programs and of the
/// login. `transfer_timeout` is the user's time limit in seconds for reading a file, if any.
pub(in crate::cli::commands) async fn storages(
    context: &Context,
    client: &Client,
    transfer_timeout: Option<f64>,
) -> Result<Storages> {
    let access = StorageAccess::resolve(client.settings(), &context.env);
    let certificate = access.certificate.clone();
    let identity = ask_blocking(move || certificate.and_then(|(cert, key)| identity(&cert, key.as_deref()))).await?;
    let idle_timeout = idle_timeout(transfer_timeout);
    let tokens = tokens(client, &access.bearer).await?;
    let anonymous_tls = tls::client_config_of_all(&access.cas, None)?;
    let xrootd = SessionSettings {
        connect_timeout: CONNECT_TIMEOUT,
        idle_timeout,
        ..xrootd(&access, anonymous_tls.clone(), identity.clone(), tokens.clone())
    };
    let web = WebStorage::new(Access {
        has_certificate: identity.is_some(),
        anonymous_tls,
        tls: tls::client_config_of_all(&access.cas, identity)?,
        tokens,
        user_agent: client.transport().user_agent()?,
        connect_timeout: CONNECT_TIMEOUT,
        idle_timeout,
    });
    let web = web.map_err(|error| Error::new(Exception::ConfigurationError, error.to_string()))?;
    Ok(Storages::new(web, XrootdFiles::new(xrootd)))
}

/// Returns the client for `root://` storages, with little patience and without prompts, and why the certificate cannot be
/// used, if so.
pub(in crate::cli::commands) async fn xrootd_storage(
    context: &Context,
    client: &Client,
) -> Result<(XrootdFiles, Option<Error>)> {
    let access = StorageAccess::resolve(client.settings(), &context.env);
    let silent: AskPassphrase = Arc::new(|path| Err(std::io::Error::other(question(path))));
    let certificate = access.certificate.clone();
    let load = move || certificate.map(|(cert, key)| tls::Identity::load(&cert, key.as_deref(), &silent));
    let (identity, problem) = match ask_blocking(load).await?.transpose() {
        Ok(identity) => (identity, None),
        Err(error) => (None, Some(error)),
    };
    let tls = tls::client_config_of_all(&access.cas, None)?;
    let settings = xrootd(&access, tls, identity, tokens(client, &access.bearer).await?);
    Ok((XrootdFiles::new(settings), problem))
}

fn xrootd(
    access: &StorageAccess,
    tls: tls::TlsConfig,
    identity: Option<tls::Identity>,
    tokens: Vec<StorageToken>,
) -> SessionSettings {
    SessionSettings {
        connect_timeout: DIAGNOSIS_TIMEOUT,
        idle_timeout: DIAGNOSIS_TIMEOUT,
        user: access.user.clone(),
        tls,
        identity,
        tokens,
        methods: access.xrootd_methods.clone(),
        keytab: access.xrootd_keytab.clone(),
        trusts_dns: access.xrootd_trusts_dns,
        kerberos: ap_request,
    }
}

/// Returns how long a storage may send no data: for as long as the user waits for the file, but at least 60 s. A door may
/// queue the file, or have it staged from tape, before it sends the first byte. No limit if the user sets none: zero or less.
fn idle_timeout(transfer_timeout: Option<f64>) -> Duration {
    match transfer_timeout {
        Some(seconds) if seconds <= 0.0 => Duration::MAX,
        Some(seconds) => Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX).max(IDLE_TIMEOUT),
        None => IDLE_TIMEOUT,
    }
}

/// Loads the certificate. If it cannot be used, logs a warning: other storages may still be readable.
fn identity(cert: &Path, key: Option<&Path>) -> Option<tls::Identity> {
    let ask: AskPassphrase = Arc::new(|path| Terminal.secret(&question(path)));
    match tls::Identity::load(cert, key, &ask) {
        Ok(identity) => Some(identity),
        Err(error) => {
            tracing::warn!("Storages are accessed without a client certificate: {error}");
            None
        }
    }
}

/// Returns the tokens of other programs, then that of the login, if it is a JSON web token: Rucio's own tokens are valid
/// only at its server.
async fn tokens(client: &Client, bearer: &BearerTokens) -> Result<Vec<StorageToken>> {
    let login = client.token().await.map_err(Error::before_start)?;
    let login = Claims::parse(login.expose()).map(|claims| (login, claims.aud));
    let all = external_storage_tokens(bearer, client.settings()).into_iter().chain(login);
    Ok(all.filter_map(|(token, audiences)| StorageToken::new(&token, audiences)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn storage_may_be_silent_for_as_long_as_the_user_waits_for_a_file() {
        for (timeout, expected) in [
            (None, 60.0),
            (Some(1.0), 60.0),
            (Some(600.0), 600.0),
            (Some(0.0), f64::MAX),
            (Some(-1.0), f64::MAX),
            (Some(f64::INFINITY), f64::MAX),
        ] {
            let found = idle_timeout(timeout);
            let expected = Duration::try_from_secs_f64(expected).unwrap_or(Duration::MAX);
            assert_eq!(found, expected, "{timeout:?}");
        }
    }
}
