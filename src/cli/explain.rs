//! Adds to an error what else is known about the values of the command line: what was meant, and what there is.
//! Requests are only made for a person at the terminal.

use std::time::Duration;

use futures_util::{StreamExt, stream};

use super::complete::known_names;
use super::context::Context;
use super::ui;
use super::value_kind::{GivenValue, ValueKind};
use crate::api;
use crate::auth::Login;
use crate::diagnosis;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::hint::{Command, Hint};
use crate::http::Client;
use crate::nearest::nearest;
use crate::types::Did;

/// Time limit of the requests about a DID without a scope.
const SCOPE_LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);
/// Time limit of the request for names.
const NAME_LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);
/// Maximum number of scopes to search.
const MAX_SCOPES: usize = 200;
/// Concurrent requests.
const CONCURRENT_LOOKUPS: usize = 8;
/// Maximum number of proposals.
const MAX_PROPOSALS: usize = 3;

/// Adds the reason of a refused login, and the scopes in which a DID without one exists.
pub(super) async fn from_server(context: &Context, error: Error) -> Error {
    if !ui::is_error_terminal() {
        return error;
    }
    match error.class() {
        Some(Exception::CannotAuthenticate | Exception::IdentityError) => match context.login() {
            Ok(login) => diagnosis::explain_refusal(login, error).await,
            Err(_) => error,
        },
        Some(class) if is_about_a_did(class) => match (context.dids_without_scope().first(), context.login()) {
            (Some(did), Ok(login)) => with_scopes(login, error, did).await,
            _ => error,
        },
        _ => error,
    }
}

/// Adds the values that the error is about, and near names from the completion cache or the server.
pub(super) fn from_values(context: &Context, values: &[GivenValue], error: Error) -> Error {
    let of_kind = |kinds: &[ValueKind]| {
        let given = values.iter().find(|given| kinds.contains(&given.kind));
        given.map(|given| given.value.clone())
    };
    match error.class() {
        Some(Exception::RSENotFound | Exception::InvalidRSEExpression) => {
            let rse = of_kind(&[ValueKind::Rse, ValueKind::RseExpression]);
            with_near_name(context, error, rse, ValueKind::Rse, ("No RSE matches", Command::ListRses))
        }
        Some(Exception::ScopeNotFound) => {
            let in_did = || Some(of_kind(&[ValueKind::Did])?.split_once(':')?.0.to_owned());
            let scope = of_kind(&[ValueKind::Scope]).or_else(in_did);
            with_near_name(context, error, scope, ValueKind::Scope, ("There is no scope", Command::ListScopes))
        }
        Some(Exception::AccountNotFound) => {
            let account = of_kind(&[ValueKind::Account]);
            with_near_name(context, error, account, ValueKind::Account, ("There is no account", Command::ListAccounts))
        }
        _ => match values.iter().find_map(misspelt) {
            Some(hint) if error.status().is_some() && error.hints().is_empty() => error.with_hint(hint),
            _ => error,
        },
    }
}

/// Returns the hint for a value that no server can accept.
fn misspelt(given: &GivenValue) -> Option<String> {
    let value = &given.value;
    let is_id = value.len() == 32 && value.chars().all(|letter| letter.is_ascii_hexdigit());
    match given.kind {
        ValueKind::Rule if !is_id => Some(format!("'{value}' is not a rule ID, which has 32 hexadecimal digits.")),
        ValueKind::Did if value.ends_with(':') => Some(format!("'{value}' has no name. All names are '{value}*'.")),
        _ => None,
    }
}

fn with_near_name(
    context: &Context,
    error: Error,
    value: Option<String>,
    kind: ValueKind,
    (problem, list): (&str, Command),
) -> Error {
    let Some(value) = value else { return error };
    let names =
        if ui::is_error_terminal() { known_names(context.overrides(), kind, NAME_LOOKUP_TIMEOUT) } else { Vec::new() };
    if names.contains(&value) {
        return error;
    }
    let meant = match nearest(&value, names.iter().map(String::as_str), MAX_PROPOSALS).as_slice() {
        [] => String::new(),
        near => format!(" Did you mean {}?", near.join(" or ")),
    };
    let hint = format!("{problem} '{value}'.{meant}");
    error.without_hints().with_hint(hint).with_hint(Hint::command("To list them", list))
}

fn is_about_a_did(class: Exception) -> bool {
    use Exception::{DataIdentifierNotFound, NoFilesDownloaded, NotAllFilesDownloaded, ReplicaNotFound, ScopeNotFound};
    matches!(
        class,
        DataIdentifierNotFound | NoFilesDownloaded | NotAllFilesDownloaded | ReplicaNotFound | ScopeNotFound
    )
}

/// Adds that the DID was written without a scope, and where such a name exists.
async fn with_scopes(login: &Login, error: Error, did: &Did) -> Error {
    let client = login.client();
    let meant = match scopes_with(&client, &did.name).await.unwrap_or_default().as_slice() {
        [] => String::new(),
        dids => format!(" Did you mean {}?", dids.join(" or ")),
    };
    error.with_only_hint(format!("A DID is SCOPE:NAME; '{}' was taken for {did}.{meant}", did.name))
}

/// Returns the DIDs of this name, at most three; those in scopes of the account come first.
async fn scopes_with(client: &Client, name: &str) -> Result<Vec<String>> {
    let mut scopes = api::scopes::list(client).await?;
    let own = format!("user.{}", client.account().unwrap_or_default());
    scopes.sort_by_key(|scope| *scope != own);
    let dids = scopes.into_iter().take(MAX_SCOPES).map(|scope| Did::new(scope, name));
    let exists = |did: Did| async move { api::dids::did_type(client, &did).await.is_ok().then(|| did.to_string()) };
    let found = stream::iter(dids).map(exists).buffered(CONCURRENT_LOOKUPS);
    let in_time = found.take_until(tokio::time::sleep(SCOPE_LOOKUP_TIMEOUT));
    Ok(in_time.filter_map(std::future::ready).take(MAX_PROPOSALS).collect().await)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_no_server_accepts_are_named() {
        let hint = |kind, value: &str| misspelt(&GivenValue { kind, value: value.to_owned() });
        assert!(hint(ValueKind::Rule, "nosuch").unwrap().contains("'nosuch' is not a rule ID"));
        assert_eq!(hint(ValueKind::Rule, "0123456789abcdef0123456789ABCDEF"), None);
        assert!(hint(ValueKind::Did, "test:").unwrap().contains("'test:*'"));
        assert_eq!(hint(ValueKind::Did, "test:x"), None);
    }
}
