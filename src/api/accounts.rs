//! `/accounts`: accounts with their attributes, identities, limits and usage.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::error::Result;
use crate::http::{Client, JsonStream, Request, segment};
use crate::types::{AccountRow, Attributes, GlobalLimit, GlobalUsage, Identity, LocalUsage, NewIdentity, RuleRow};

fn path(account: &str, rest: &str) -> String {
    format!("accounts/{}/{rest}", segment(account))
}

fn itself(account: &str) -> String {
    format!("accounts/{}", segment(account))
}

/// Returns the account of the token: `GET /accounts/whoami`.
pub(crate) async fn whoami(client: &Client) -> Result<Attributes> {
    client.json(Request::get("accounts/whoami")).await
}

/// Returns the name of the configured account, else of that of the token: `GET /accounts/whoami`.
pub(crate) async fn own_name(client: &Client) -> Result<String> {
    match client.account() {
        Some(account) => Ok(account.to_owned()),
        None => Ok(whoami(client).await?.get("account").and_then(Value::as_str).unwrap_or_default().to_owned()),
    }
}

/// Lists the active accounts; filters are fields and attributes: `GET /accounts/`.
pub(crate) async fn list(client: &Client, filters: &BTreeMap<String, String>) -> Result<JsonStream<AccountRow>> {
    let request = Request::get("accounts/");
    client.stream(filters.iter().fold(request, |request, (key, value)| request.query(key, value))).await
}

/// Returns the fields of an account: `GET /accounts/<account>`.
pub(crate) async fn get(client: &Client, account: &str) -> Result<Attributes> {
    client.json(Request::get(itself(account))).await
}

/// Creates an account of type `USER`, `GROUP` or `SERVICE`: `POST /accounts/<account>`.
pub(crate) async fn add(client: &Client, account: &str, account_type: &str, email: Option<&str>) -> Result<()> {
    client.execute(Request::post(itself(account), json!({"type": account_type, "email": email}))).await
}

/// Updates fields of an account (`email`, `status`, ...): `PUT /accounts/<account>`.
pub(crate) async fn update(client: &Client, account: &str, fields: &Attributes) -> Result<()> {
    client.execute(Request::put(itself(account), Value::Object(fields.clone()))).await
}

/// Closes an account permanently: `DELETE /accounts/<account>`.
pub(crate) async fn delete(client: &Client, account: &str) -> Result<()> {
    client.execute(Request::delete(itself(account), None)).await
}

/// Returns the limits of an account per RSE, in bytes: `GET /accounts/<account>/limits/local[/<rse>]`.
pub(crate) async fn local_limits(client: &Client, account: &str, rse: Option<&str>) -> Result<BTreeMap<String, Value>> {
    let rse = rse.map(|rse| format!("/{}", segment(rse))).unwrap_or_default();
    client.json(Request::get(path(account, &format!("limits/local{rse}")))).await
}

/// Returns the limits of an account per RSE expression: `GET /accounts/<account>/limits/global`.
pub(crate) async fn global_limits(client: &Client, account: &str) -> Result<BTreeMap<String, GlobalLimit>> {
    client.json(Request::get(path(account, "limits/global"))).await
}

fn limit_path(account: &str, locality: &str, rse: &str) -> String {
    path(account, &format!("limits/{locality}/{}", segment(rse)))
}

/// Returns the limit at one RSE (`local`) or for one RSE expression (`global`), null if there is none:
/// `GET /accounts/<account>/limits/<locality>/<rse>`.
pub(crate) async fn limit(client: &Client, account: &str, locality: &str, rse: &str) -> Result<Attributes> {
    client.json(Request::get(limit_path(account, locality, rse))).await
}

/// The path of a limit before Rucio 40.
fn old_limit_path(account: &str, locality: &str, rse: &str) -> String {
    format!("accountlimits/{locality}/{}/{}", segment(account), segment(rse))
}

/// Sets a limit in bytes; -1 is unlimited: `POST /accounts/<account>/limits/<locality>/<rse>`, before Rucio 40
/// `POST /accountlimits/<locality>/<account>/<rse>`.
pub(crate) async fn set_limit(client: &Client, account: &str, locality: &str, rse: &str, bytes: i64) -> Result<()> {
    let request = |path: String| Request::post(path, json!({"bytes": bytes}));
    match client.execute(request(limit_path(account, locality, rse)).since(40)).await {
        Err(error) if error.is_unknown_call() => client.execute(request(old_limit_path(account, locality, rse))).await,
        done => done,
    }
}

/// Deletes a limit, so that nothing may be stored: `DELETE /accounts/<account>/limits/<locality>/<rse>`, before Rucio 40
/// `DELETE /accountlimits/<locality>/<account>/<rse>`.
pub(crate) async fn delete_limit(client: &Client, account: &str, locality: &str, rse: &str) -> Result<()> {
    let request = |path: String| Request::delete(path, None);
    match client.execute(request(limit_path(account, locality, rse)).since(40)).await {
        Err(error) if error.is_unknown_call() => client.execute(request(old_limit_path(account, locality, rse))).await,
        done => done,
    }
}

/// Lists the usage of an account per RSE: `GET /accounts/<account>/usage/local[/<rse>]`.
pub(crate) async fn local_usage(client: &Client, account: &str, rse: Option<&str>) -> Result<JsonStream<LocalUsage>> {
    let rse = rse.map(|rse| format!("/{}", segment(rse))).unwrap_or_default();
    client.stream(Request::get(path(account, &format!("usage/local{rse}")))).await
}

/// Lists the usage of an account per RSE expression: `GET /accounts/<account>/usage/global`.
pub(crate) async fn global_usage(client: &Client, account: &str) -> Result<JsonStream<GlobalUsage>> {
    client.stream(Request::get(path(account, "usage/global"))).await
}

/// Lists the rules of an account: `GET /accounts/<account>/rules`.
pub(crate) async fn rules(client: &Client, account: &str) -> Result<JsonStream<RuleRow>> {
    client.stream(Request::get(path(account, "rules"))).await
}

/// Returns the attributes of an account: `GET /accounts/<account>/attr/`. The server sends them as one list.
pub(crate) async fn attributes(client: &Client, account: &str) -> Result<Vec<Attributes>> {
    client.json(Request::get(path(account, "attr/"))).await
}

/// Adds a new attribute to an account: `POST /accounts/<account>/attr/<key>`.
pub(crate) async fn add_attribute(client: &Client, account: &str, key: &str, value: &str) -> Result<()> {
    let path = path(account, &format!("attr/{}", segment(key)));
    client.execute(Request::post(path, json!({"key": key, "value": value}))).await
}

/// Deletes an attribute of an account: `DELETE /accounts/<account>/attr/<key>`.
pub(crate) async fn delete_attribute(client: &Client, account: &str, key: &str) -> Result<()> {
    client.execute(Request::delete(path(account, &format!("attr/{}", segment(key))), None)).await
}

/// Lists the identities of an account: `GET /accounts/<account>/identities`.
pub(crate) async fn identities(client: &Client, account: &str) -> Result<JsonStream<Identity>> {
    client.stream(Request::get(path(account, "identities"))).await
}

/// Adds an identity to an account: `POST /accounts/<account>/identities`.
pub(crate) async fn add_identity(client: &Client, account: &str, identity: &NewIdentity<'_>) -> Result<()> {
    client.execute(Request::post(path(account, "identities"), json!(identity))).await
}

/// Deletes an identity of an account: `DELETE /accounts/<account>/identities`.
pub(crate) async fn delete_identity(client: &Client, account: &str, identity: &str, authtype: &str) -> Result<()> {
    let body = json!({"identity": identity, "authtype": authtype});
    client.execute(Request::delete(path(account, "identities"), Some(body))).await
}

/// Returns the names of all active accounts: `GET /accounts/`.
pub(crate) async fn names(client: &Client) -> Result<Vec<String>> {
    let accounts = list(client, &BTreeMap::new()).await?.collect().await?;
    Ok(accounts.into_iter().map(|row| row.account).collect())
}
