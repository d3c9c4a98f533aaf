//! Why a login was refused. The server says the same of a wrong password, an unknown account and an identity that may
//! not act as the account; asked once more without an account, it tells them apart.

use std::sync::Arc;

use super::{Finding, shell_word};
use crate::api;
use crate::auth::Nobody;
use crate::auth::certificate;
use crate::config::{AuthMethod, Settings};
use crate::error::{Error, Refusal, Result};
use crate::exceptions::Exception;
use crate::http::tls::Identity;
use crate::http::{Client, Request, checked};

/// The finding for a refused login, where more can be known than the error says.
pub(super) async fn explain(check: &'static str, client: &Client, error: &Error) -> Option<Finding> {
    refused(error)?;
    let (settings, server) = (client.settings(), &client.settings().auth_host);
    let identity = identity(&settings.auth)?;
    let account = settings.account.as_deref();
    Some(match accounts(client).await {
        Ok(accounts) => not_mapped(check, client, &identity, &accounts).await,
        Err(error) => match (refused(&error)?.class, account) {
            (Exception::IdentityNotFound, _) => Finding::failed(
                check,
                server,
                format!("the password of {identity} is wrong"),
            )
            .hint("Correct `password` in [client] or --password; to be asked for it, take it out and run: rucio login"),
            (Exception::IdentityError, account) => {
                let text = format!("the server does not know the identity {identity} ({})", type_of(&settings.auth));
                Finding::failed(check, server, text).hint(let_in(settings, &identity, account.unwrap_or("ACCOUNT")))
            }
            _ => return None,
        },
    })
}

/// What the server said, if it refused a login.
fn refused(error: &Error) -> Option<&Refusal> {
    match error {
        Error::Login(error) => refused(error),
        Error::Rucio(refusal) => refusal.status.is_some_and(|status| status == 401).then_some(refusal),
        _ => None,
    }
}

async fn not_mapped(check: &'static str, client: &Client, identity: &str, accounts: &[String]) -> Finding {
    let settings = client.settings();
    let Some(account) = &settings.account else {
        let text = format!("{identity} belongs to several accounts: {}", accounts.join(", "));
        return Finding::failed(check, &settings.auth_host, text)
            .hint("Choose one by `account` in [client], or: rucio --account ACCOUNT whoami");
    };
    let own = accounts.first().map(|own| shell_word(own)).unwrap_or_default();
    let others = format!("{identity} belongs to {}", accounts.join(", "));
    match (exists(client, accounts.first(), account).await, accounts.first()) {
        (Some(false), _) => {
            let text = format!("there is no account {account}; {others}");
            let hint = format!("Correct `account` in [client], or: rucio --account {own} whoami");
            Finding::failed(check, &settings.auth_host, text).hint(hint)
        }
        _ => {
            let text = format!("{identity} may not act as account {account}; {others}");
            let hint =
                format!("Take yours: rucio --account {own} whoami; or {}", lower(&let_in(settings, identity, account)));
            Finding::failed(check, &settings.auth_host, text).hint(hint)
        }
    }
}

fn lower(text: &str) -> String {
    let mut text = text.to_owned();
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    text
}

/// What an administrator does to map an identity.
fn let_in(settings: &Settings, identity: &str, account: &str) -> String {
    let kind = type_of(&settings.auth);
    let password = if kind == "USERPASS" { " --password PASSWORD" } else { "" };
    let (identity, account) = (shell_word(identity), shell_word(account));
    format!(
        "An administrator lets it in by: rucio account identity add --type {kind} --id {identity} --email MAIL{password} {account}"
    )
}

fn type_of(method: &AuthMethod) -> &'static str {
    match method {
        AuthMethod::Userpass { .. } => "USERPASS",
        _ => "X509",
    }
}

/// The name the server knows us by, for the ways of which it tells more.
fn identity(method: &AuthMethod) -> Option<String> {
    match method {
        AuthMethod::Userpass { username, .. } => username.clone(),
        AuthMethod::X509 { cert, .. } => Some(certificate::inspect(cert, None).ok()?.identity),
        AuthMethod::X509Proxy { proxy } => Some(certificate::inspect(proxy, None).ok()?.identity),
        AuthMethod::Oidc(_) | AuthMethod::Ssh { .. } | AuthMethod::Gss => None,
    }
}

/// The accounts of our identity: what the server says to a login that names none. The token of the answer is dropped.
async fn accounts(client: &Client) -> Result<Vec<String>> {
    let client = as_account(client, None);
    let answer = match client.settings().auth.clone() {
        AuthMethod::Userpass { username: Some(username), password: Some(password) } => {
            let request = Request::get("auth/userpass").header("x-rucio-username", username);
            let request = request.header("x-rucio-password", password.expose());
            client.authenticate(client.connections()?, &request).await?
        }
        AuthMethod::X509 { cert, key } => {
            let identity = Identity::load(&cert, key.as_deref(), &silent())?;
            client.authenticate(&client.connect(Some(identity))?, &Request::get("auth/x509")).await?
        }
        AuthMethod::X509Proxy { proxy } => {
            let identity = Identity::load(&proxy, None, &silent())?;
            client.authenticate(&client.connect(Some(identity))?, &Request::get("auth/x509_proxy")).await?
        }
        _ => return Err(Error::new(Exception::CannotAuthenticate, "")),
    };
    let answer = checked(answer).await?;
    let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok());
    let names = header("x-rucio-auth-accounts").or_else(|| header("x-rucio-auth-account")).unwrap_or_default();
    Ok(names.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect())
}

/// Whether there is such an account, if one of ours may be used to ask.
async fn exists(client: &Client, own: Option<&String>, account: &str) -> Option<bool> {
    match api::accounts::get(&as_account(client, Some(own?.clone())), account).await {
        Ok(_) => Some(true),
        Err(error) if error.class() == Some(Exception::AccountNotFound) => Some(false),
        Err(_) => None,
    }
}

/// The same client for another account. Its token is kept nowhere near that of the user's own sessions.
fn as_account(client: &Client, account: Option<String>) -> Client {
    let settings = Settings { account, ..client.settings().clone() };
    Client::new(settings, super::login::SCRIPT, Arc::new(Nobody))
}

fn silent() -> crate::http::tls::AskPassphrase {
    Arc::new(|_| Err(std::io::ErrorKind::Unsupported.into()))
}
