//! `/lifetime_exceptions`: requests to keep data beyond its end of life.

use serde_json::json;

use crate::error::Result;
use crate::http::{Client, Request};
use crate::types::{Attributes, Did};

/// Requests that datasets are kept until a date (`Fri, 30 Oct 2026 00:00:00 UTC`): `POST /lifetime_exceptions/`.
pub(crate) async fn add(client: &Client, dids: &[Did], comments: &str, expires_at: &str) -> Result<Attributes> {
    let body = json!({
        "dids": dids, "account": client.account(), "pattern": "", "comments": comments, "expires_at": expires_at,
    });
    client.json(Request::post("lifetime_exceptions/", body)).await
}
