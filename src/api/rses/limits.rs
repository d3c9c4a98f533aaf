//! `/rses/<rse>/limits`: limits on the used and the free space of an RSE.

use serde_json::json;

use super::below;
use crate::error::Result;
use crate::http::{Client, Request};
use crate::types::Attributes;

/// Returns the limits of an RSE, by name: `GET /rses/<rse>/limits`.
pub(crate) async fn get(client: &Client, rse: &str) -> Result<Attributes> {
    client.json(Request::get(below(rse, "limits"))).await
}

/// Sets a limit, in bytes: `PUT /rses/<rse>/limits`.
pub(crate) async fn set(client: &Client, rse: &str, name: &str, value: i64) -> Result<()> {
    client.execute(Request::put(below(rse, "limits"), json!({"name": name, "value": value}))).await
}

/// Deletes a limit: `DELETE /rses/<rse>/limits`.
pub(crate) async fn unset(client: &Client, rse: &str, name: &str) -> Result<()> {
    client.execute(Request::delete(below(rse, "limits"), Some(json!({"name": name})))).await
}
