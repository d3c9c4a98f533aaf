//! `/subscriptions`: automatic replication rules for new DIDs.

use serde_json::json;

use crate::error::Result;
use crate::http::{Client, JsonStream, Request, segment};
use crate::types::{RuleRow, Subscription, SubscriptionOptions};

fn path(account: &str, name: &str) -> String {
    format!("subscriptions/{}/{}", segment(account), segment(name))
}

/// Lists subscriptions by account and name; `None` matches all:
/// `GET /subscriptions/[<account>[/<name>]]`, `GET /subscriptions/name/<name>`.
///
/// Errors: `SubscriptionNotFound` if none matches.
pub(crate) async fn list(
    client: &Client,
    account: Option<&str>,
    name: Option<&str>,
) -> Result<JsonStream<Subscription>> {
    let path = match (account, name) {
        (Some(account), Some(name)) => path(account, name),
        (Some(account), None) => format!("subscriptions/{}", segment(account)),
        (None, Some(name)) => format!("subscriptions/name/{}", segment(name)),
        (None, None) => "subscriptions/".to_owned(),
    };
    client.stream(Request::get(path)).await
}

/// Creates a subscription and returns its id: `POST /subscriptions/<account>/<name>`.
pub(crate) async fn add(client: &Client, account: &str, name: &str, options: &SubscriptionOptions) -> Result<String> {
    client.text(Request::post(path(account, name), json!({"options": options}))).await
}

/// Updates the fields of a subscription that are not `None` or empty: `PUT /subscriptions/<account>/<name>`.
pub(crate) async fn update(client: &Client, account: &str, name: &str, options: &SubscriptionOptions) -> Result<()> {
    client.execute(Request::put(path(account, name), json!({"options": options}))).await
}

/// Lists the rules created by a subscription: `GET /subscriptions/<account>/<name>/rules`.
pub(crate) async fn rules(client: &Client, account: &str, name: &str) -> Result<JsonStream<RuleRow>> {
    client.stream(Request::get(format!("{}/rules", path(account, name)))).await
}
