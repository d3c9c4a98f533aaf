//! `/scopes`: scopes of DIDs and their owners.

use serde_json::Value;

use crate::error::Result;
use crate::http::{Client, Request, segment};
use crate::types::ScopeOwner;

/// Returns the names of all scopes: `GET /scopes/`.
pub(crate) async fn list(client: &Client) -> Result<Vec<String>> {
    client.json(Request::get("scopes/")).await
}

/// Returns all scopes with their owners, `None` before Rucio 40: `GET /scopes/owner/`. Without the slash at the end the
/// server redirects, to http where TLS ends at a proxy in front of it.
pub(crate) async fn owners(client: &Client) -> Result<Option<Vec<ScopeOwner>>> {
    match client.json(Request::get("scopes/owner/").since(40)).await {
        Err(error) if error.is_unknown_call() => Ok(None),
        owners => owners.map(Some),
    }
}

/// Returns the scopes of an account: `GET /accounts/<account>/scopes/`.
pub(crate) async fn of_account(client: &Client, account: &str) -> Result<Vec<String>> {
    client.json(Request::get(format!("accounts/{}/scopes/", segment(account)))).await
}

/// Creates a scope: `POST /accounts/<account>/scopes/<scope>`.
pub(crate) async fn add(client: &Client, account: &str, scope: &str) -> Result<()> {
    let path = format!("accounts/{}/scopes/{}", segment(account), segment(scope));
    client.execute(Request::post(path, Value::Null)).await
}

/// Changes the owner of a scope: `PUT /scopes/<account>/<scope>`.
pub(crate) async fn update(client: &Client, account: &str, scope: &str) -> Result<()> {
    let path = format!("scopes/{}/{}", segment(account), segment(scope));
    client.execute(Request::put(path, Value::Null).since(40)).await
}
