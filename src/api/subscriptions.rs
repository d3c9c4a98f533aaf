//! `/subscriptions`: rules that are made by themselves.

use crate::error::Result;
use crate::http::{Client, JsonStream, Request, segment};
use crate::types::RuleRow;

/// The rules a subscription has made: `GET /subscriptions/<account>/<name>/rules`.
pub async fn rules(client: &Client, account: &str, name: &str) -> Result<JsonStream<RuleRow>> {
    let path = format!("subscriptions/{}/{}/rules", segment(account), segment(name));
    client.stream(Request::get(path)).await
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
