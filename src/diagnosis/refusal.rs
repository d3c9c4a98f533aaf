//! Explains why a login was refused. The server gives the same answer for a wrong password, an unknown account and an
//! identity that may not use the account; a second request without an account reveals more about the identity.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Response;
use serde_json::Value;

use tokio::time::timeout;

use super::Finding;
use crate::auth::Login;
use crate::certificate::{self, AskPassphrase};
use crate::config::{AuthMethod, Settings};
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::hint::{Command, Hint, Parameter};
use crate::http::tls::Identity;
use crate::http::{Request, Transport, checked, segment};
use crate::secret::Secret;

/// Time limit of the requests for the reason.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Returns the finding for a refused login, if more is known than the error says.
pub(super) async fn explain(check: &'static str, transport: &Transport, error: &Error) -> Option<Finding> {
    if !is_refused_login(error) {
        return None;
    }
    let settings = transport.settings();
    let server = &transport.settings().auth_host;
    let identity = identity(&settings.auth)?;
    Some(match accounts_of_identity(transport).await {
        Ok(known) => not_mapped(check, transport, &identity, &known).await,
        Err(error) if !is_refused_login(&error) => return None,
        Err(error) => match (error.class(), &settings.auth) {
            (Some(Exception::IdentityError), _) => {
                let text = format!("the server does not know the identity {identity} ({})", type_of(&settings.auth));
                Finding::failed(check, server, text).hint(mapping_command(
                    settings,
                    &identity,
                    settings.account.as_deref(),
                ))
            }
            (_, AuthMethod::Userpass { .. }) => {
                Finding::failed(check, server, format!("the password of {identity} is wrong"))
                    .hint(Hint::parameters("Correct the password, or remove it to be prompted", [Parameter::Password]))
                    .and_hint(Hint::LogIn { force: false })
            }
            _ => return None,
        },
    })
}

/// Replaces the hints of a refused login by its reason, if the server reveals it within ten seconds.
pub(crate) async fn explain_refusal(login: &Login, error: Error) -> Error {
    match timeout(TIMEOUT, explain("login", login.transport(), &error)).await {
        Ok(Some(Finding { message, hints, .. })) => {
            let reason =
                message.chars().next().map(|first| first.to_uppercase().to_string() + &message[first.len_utf8()..]);
            error.with_only_hint(format!("{}.", reason.unwrap_or_default())).with_hints(hints)
        }
        Ok(None) | Err(_) => error,
    }
}

/// Whether the server refused the login.
fn is_refused_login(error: &Error) -> bool {
    error.status() == Some(401)
}

async fn not_mapped(check: &'static str, transport: &Transport, identity: &str, known: &AccountsOfIdentity) -> Finding {
    let settings = transport.settings();
    let all = known.accounts.join(", ");
    let own = Command::WhoAmI { account: known.accounts.first().cloned() };
    let Some(account) = &settings.account else {
        let text = format!("{identity} belongs to several accounts: {all}");
        return Finding::failed(check, &settings.auth_host, text)
            .hint(Hint::parameters("Select one", [Parameter::Account]))
            .and_hint(Hint::command("For example", own));
    };
    let (text, hints) = match exists(transport, known.token.as_ref(), account).await {
        Some(false) => (
            format!("there is no account {account}; {identity} belongs to {all}"),
            vec![Hint::parameters("Correct the account", [Parameter::Account]), Hint::command("For example", own)],
        ),
        _ => (
            format!("{identity} may not act as account {account}; it belongs to {all}"),
            vec![Hint::command("Use your own", own), mapping_command(settings, identity, Some(account))],
        ),
    };
    Finding { hints, ..Finding::failed(check, &settings.auth_host, text) }
}

/// Returns the hint for an administrator to map an identity.
fn mapping_command(settings: &Settings, identity: &str, account: Option<&str>) -> Hint {
    let kind = type_of(&settings.auth);
    let account = account.map(str::to_owned);
    let command = Command::AddIdentity { kind, identity: identity.to_owned(), account };
    Hint::command("An administrator can add the identity", command)
}

fn type_of(method: &AuthMethod) -> &'static str {
    match method {
        AuthMethod::Userpass { .. } => "USERPASS",
        _ => "X509",
    }
}

/// Returns the identity as the server knows it, for the methods for which the server reveals more.
fn identity(method: &AuthMethod) -> Option<String> {
    match method {
        AuthMethod::Userpass { username, .. } => username.clone(),
        AuthMethod::X509 { cert, .. } => Some(certificate::inspect(cert, None).ok()?.identity),
        AuthMethod::X509Proxy { proxy } => Some(certificate::inspect(proxy, None).ok()?.identity),
        AuthMethod::Oidc(_) | AuthMethod::Ssh { .. } | AuthMethod::Gss => None,
    }
}

/// The server's information about the identity.
struct AccountsOfIdentity {
    /// Its accounts; possibly only the default account, if it has one.
    accounts: Vec<String>,
    /// A token of the first account, used for one request and not saved.
    token: Option<Secret>,
}

/// Logs in without an account, to get the accounts of the identity. If there are several and no default, the server has
/// not checked the password yet, so the first one is tried.
async fn accounts_of_identity(transport: &Transport) -> Result<AccountsOfIdentity> {
    let answer = request_token(transport, None).await?;
    let names = header(&answer, "x-rucio-auth-accounts").or_else(|| header(&answer, "x-rucio-auth-account"));
    let names = names.unwrap_or_default();
    let accounts: Vec<_> = names.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    let token = header(&answer, "x-rucio-auth-token");
    let token = match accounts.first() {
        Some(first) if token.is_none() => header(&request_token(transport, Some(first)).await?, "x-rucio-auth-token"),
        _ => token,
    };
    Ok(AccountsOfIdentity { accounts, token: token.map(Secret::from) })
}

fn header(answer: &Response, name: &str) -> Option<String> {
    answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// Requests a token of this account, or of the identity's default account.
async fn request_token(transport: &Transport, account: Option<&str>) -> Result<Response> {
    let transport = as_account(transport, account);
    let answer = match transport.settings().auth.clone() {
        AuthMethod::Userpass { username: Some(username), password: Some(password) } => {
            let request = Request::get("auth/userpass").header("x-rucio-username", username);
            let request = request.header("x-rucio-password", password.expose());
            transport.send_to_auth_host(&request).await?
        }
        AuthMethod::X509 { cert, key } => {
            request_with_certificate(&transport, "auth/x509", &cert, key.as_deref()).await?
        }
        AuthMethod::X509Proxy { proxy } => {
            request_with_certificate(&transport, "auth/x509_proxy", &proxy, None).await?
        }
        _ => {
            return Err(Error::new(
                Exception::CannotAuthenticate,
                "No further information for this authentication method.",
            ));
        }
    };
    checked(answer).await
}

/// Requests a token with a certificate. The server lists all accounts only for clients that declare to support that.
async fn request_with_certificate(
    transport: &Transport,
    path: &str,
    cert: &Path,
    key: Option<&Path>,
) -> Result<Response> {
    let identity = Identity::load(cert, key, &no_passphrase())?;
    let request = Request::get(path).header("x-rucio-allow-return-multiple-accounts", "True");
    transport.send_to_auth_host_over(&transport.connect(Some(identity))?, &request).await
}

/// Whether the account exists; `None` if that is unknown, for example without a token.
async fn exists(transport: &Transport, token: Option<&Secret>, account: &str) -> Option<bool> {
    let request = Request::get(format!("accounts/{}", segment(account)));
    let request = request.header("x-rucio-auth-token", token?.expose());
    match transport.json::<Value>(&transport.settings().rucio_host, &request).await {
        Ok(_) => Some(true),
        Err(error) if error.class() == Some(Exception::AccountNotFound) => Some(false),
        Err(_) => None,
    }
}

/// Returns the same transport for another account, or for none.
fn as_account(transport: &Transport, account: Option<&str>) -> Transport {
    let settings = Settings { account: account.map(str::to_owned), ..transport.settings().clone() };
    Transport::new(settings, super::SCRIPT)
}

fn no_passphrase() -> AskPassphrase {
    Arc::new(|_| Err(std::io::ErrorKind::Unsupported.into()))
}
