//! `/scopes`: name spaces of DIDs.

use crate::error::Result;
use crate::http::{Client, Request, segment};
use crate::types::ScopeOwner;

/// The names of all scopes: `GET /scopes/`.
pub async fn list(client: &Client) -> Result<Vec<String>> {
    client.json(Request::get("scopes/")).await
}

/// All scopes with their owners: `GET /scopes/owner`.
pub async fn owners(client: &Client) -> Result<Vec<ScopeOwner>> {
    client.json(Request::get("scopes/owner")).await
}

/// The scopes of an account: `GET /accounts/<account>/scopes/`.
pub async fn of_account(client: &Client, account: &str) -> Result<Vec<String>> {
    client.json(Request::get(format!("accounts/{}/scopes/", segment(account)))).await
}
