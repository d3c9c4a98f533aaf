//! `/accounts`: who somebody is, what they use and may use.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::error::Result;
use crate::http::{Client, JsonStream, Request, segment};
use crate::types::{Attributes, GlobalLimit, GlobalUsage, LocalUsage, RuleRow};

fn path(account: &str, rest: &str) -> String {
    format!("accounts/{}/{rest}", segment(account))
}

/// The account the token belongs to: `GET /accounts/whoami`.
pub async fn whoami(client: &Client) -> Result<Attributes> {
    client.json(Request::get("accounts/whoami")).await
}

/// The limits of an account at each RSE, in bytes: `GET /accounts/<account>/limits/local[/<rse>]`.
pub async fn local_limits(client: &Client, account: &str, rse: Option<&str>) -> Result<BTreeMap<String, Value>> {
    let rse = rse.map(|rse| format!("/{}", segment(rse))).unwrap_or_default();
    client.json(Request::get(path(account, &format!("limits/local{rse}")))).await
}

/// The limits of an account over RSE expressions: `GET /accounts/<account>/limits/global`.
pub async fn global_limits(client: &Client, account: &str) -> Result<BTreeMap<String, GlobalLimit>> {
    client.json(Request::get(path(account, "limits/global"))).await
}

/// What an account uses at each RSE: `GET /accounts/<account>/usage/local[/<rse>]`.
pub async fn local_usage(client: &Client, account: &str, rse: Option<&str>) -> Result<JsonStream<LocalUsage>> {
    let rse = rse.map(|rse| format!("/{}", segment(rse))).unwrap_or_default();
    client.stream(Request::get(path(account, &format!("usage/local{rse}")))).await
}

/// What an account uses over RSE expressions: `GET /accounts/<account>/usage/global`.
pub async fn global_usage(client: &Client, account: &str) -> Result<JsonStream<GlobalUsage>> {
    client.stream(Request::get(path(account, "usage/global"))).await
}

/// The rules an account owns: `GET /accounts/<account>/rules`.
pub async fn rules(client: &Client, account: &str) -> Result<JsonStream<RuleRow>> {
    client.stream(Request::get(path(account, "rules"))).await
}

/// The attributes of an account: `GET /accounts/<account>/attr/`. The server sends them as one list.
pub async fn attributes(client: &Client, account: &str) -> Result<Vec<Attributes>> {
    client.json(Request::get(path(account, "attr/"))).await
}

/// The names of all accounts: `GET /accounts/`.
pub async fn names(client: &Client) -> Result<Vec<String>> {
    #[derive(serde::Deserialize)]
    struct Row {
        account: String,
    }
    let rows = client.stream::<Row>(Request::get("accounts/")).await?.collect().await?;
    Ok(rows.into_iter().map(|row| row.account).collect())
}
