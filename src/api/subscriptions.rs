//! `/subscriptions`: rules that are made by themselves.

use crate::error::Result;
use crate::http::{Client, JsonStream, Request, segment};
use crate::types::RuleRow;

/// The rules a subscription has made: `GET /subscriptions/<account>/<name>/rules`.
pub async fn rules(client: &Client, account: &str, name: &str) -> Result<JsonStream<RuleRow>> {
    let path = format!("subscriptions/{}/{}/rules", segment(account), segment(name));
    client.stream(Request::get(path)).await
}
