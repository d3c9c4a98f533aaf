//! Checks the login, and the account and identity that result from it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::timeout;

use super::{Finding, SCRIPT, refusal};
use crate::api;
use crate::auth::Login;
use crate::config::Settings;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::hint::{Command, Hint};
use crate::http::Client;
use crate::interact::NonInteractive;
use crate::types::Attributes;

const CHECK: &str = "login";
/// Timeout of login and whoami together.
const STEP_TIMEOUT: Duration = Duration::from_secs(10);

/// Creates a login that never prompts. With `cached_only` it uses the cached token or none, because a login may need
/// interaction.
pub(crate) fn non_interactive(settings: Settings, cached_only: bool) -> Login {
    if cached_only {
        Login::cached_only(settings, SCRIPT)
    } else {
        Login::new(settings, SCRIPT, Arc::new(NonInteractive))
    }
}

/// Asks the server for the account; logs in if no token is cached and the login may.
pub(crate) async fn examine(login: &Login) -> Finding {
    let client = login.client();
    let host = &login.settings().rucio_host;
    match timeout(STEP_TIMEOUT, whoami(&client)).await {
        Err(_) => Finding::failed(CHECK, host, format!("no answer within {} s", STEP_TIMEOUT.as_secs()))
            .hint(Hint::command("Log every request", Command::WhoAmIVerbose)),
        Ok(Ok((account, identity))) => account_finding(&client, &account, identity),
        Ok(Err(error)) => refused(login, &client, &error).await,
    }
}

async fn whoami(client: &Client) -> Result<(Attributes, Option<String>)> {
    let account = api::accounts::whoami(client).await?;
    Ok((account, identity(client).await.unwrap_or_default()))
}

/// Returns the identity of the token. Only the authentication server knows it, and not for all authentication methods.
async fn identity(client: &Client) -> Result<Option<String>> {
    Ok(api::auth::validate(client.transport(), &client.token().await?).await?.identity.clone())
}

fn account_finding(client: &Client, account: &Attributes, identity: Option<String>) -> Finding {
    let field = |name| account.get(name).and_then(Value::as_str).unwrap_or("unknown");
    let name = field("account");
    let status = field("status");
    let host = &client.settings().rucio_host;
    let by = identity.map(|identity| format!(" as {identity}")).unwrap_or_default();
    let text = format!("account {name}{by}, with {}, status {status}", client.settings().auth.name());
    match client.account().filter(|wanted| *wanted != name) {
        Some(wanted) => Finding::failed(CHECK, host, format!("{text}, but {wanted} was requested"))
            .requires_login(Hint::LogIn { force: true }),
        None if status != "ACTIVE" => Finding::failed(CHECK, host, text).hint(Hint::command(
            "Ask the administrators for the reason; they lift the ban with",
            Command::Unban { account: name.to_owned() },
        )),
        None => Finding::ok(CHECK, host, text),
    }
}

async fn refused(login: &Login, client: &Client, error: &Error) -> Finding {
    let host = &client.settings().rucio_host;
    match error.class() {
        Some(Exception::CannotAuthenticate) if !login.may_log_in() => {
            Finding::failed(CHECK, host, "the server rejects the token").requires_login(Hint::LogIn { force: false })
        }
        _ => match timeout(STEP_TIMEOUT, refusal::explain(CHECK, client.transport(), error)).await {
            Ok(Some(finding)) => finding,
            _ => Finding::from_error(error, CHECK, host),
        },
    }
}
