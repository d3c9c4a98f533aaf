//! `/subscriptions`: rules that are made by themselves.

use serde_json::json;

use crate::error::Result;
use crate::http::{Client, JsonStream, Request, segment};
use crate::types::{Attributes, RuleRow, SubscriptionOptions};

fn path(account: &str, name: &str) -> String {
    format!("subscriptions/{}/{}", segment(account), segment(name))
}

/// The subscriptions of an account or of all, of one name or of any:
/// `GET /subscriptions/[<account>[/<name>]]`, `GET /subscriptions/name/<name>`.
///
/// Errors: `SubscriptionNotFound` where none matches.
pub async fn list(client: &Client, account: Option<&str>, name: Option<&str>) -> Result<JsonStream<Attributes>> {
    let path = match (account, name) {
        (Some(account), Some(name)) => path(account, name),
        (Some(account), None) => format!("subscriptions/{}", segment(account)),
        (None, Some(name)) => format!("subscriptions/name/{}", segment(name)),
        (None, None) => "subscriptions/".to_owned(),
    };
    client.stream(Request::get(path)).await
}

/// Makes a subscription and gives its id: `POST /subscriptions/<account>/<name>`.
pub async fn add(client: &Client, account: &str, name: &str, options: &SubscriptionOptions) -> Result<String> {
    client.text(Request::post(path(account, name), json!({"options": options}))).await
}

/// Changes what is not none or empty of a subscription: `PUT /subscriptions/<account>/<name>`.
pub async fn update(client: &Client, account: &str, name: &str, options: &SubscriptionOptions) -> Result<()> {
    client.done(Request::put(path(account, name), json!({"options": options}))).await
}

/// The rules a subscription has made: `GET /subscriptions/<account>/<name>/rules`.
pub async fn rules(client: &Client, account: &str, name: &str) -> Result<JsonStream<RuleRow>> {
    client.stream(Request::get(format!("{}/rules", path(account, name)))).await
}

/// The names of an account's subscriptions: `GET /subscriptions/<account>`.
pub async fn names(client: &Client, account: &str) -> Result<Vec<String>> {
    #[derive(serde::Deserialize)]
    struct Row {
        name: String,
    }
    let request = Request::get(format!("subscriptions/{}", segment(account)));
    let rows = client.stream::<Row>(request).await?.collect().await?;
    Ok(rows.into_iter().map(|row| row.name).collect())
}
