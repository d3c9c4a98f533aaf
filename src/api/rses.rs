//! `/rses`: storage elements.

use serde::Deserialize;

use crate::error::Result;
use crate::http::{Client, JsonStream, Request, segment};
use crate::types::Attributes;

/// What a listing of RSEs shows.
#[derive(Debug, Clone, Deserialize)]
pub struct Rse {
    /// Its name.
    pub rse: String,
}

/// All RSEs, or those an expression means: `GET /rses/`.
pub async fn list(client: &Client, expression: Option<&str>) -> Result<JsonStream<Rse>> {
    let request = Request::get("rses/");
    client
        .stream(match expression {
            Some(expression) => request.query("expression", expression),
            None => request,
        })
        .await
}

/// What the server knows of an RSE; an error if it does not exist: `GET /rses/<rse>`.
pub async fn get(client: &Client, rse: &str) -> Result<Attributes> {
    client.json(Request::get(format!("rses/{}", segment(rse)))).await
}

/// The attributes of an RSE: `GET /rses/<rse>/attr/`.
pub async fn attributes(client: &Client, rse: &str) -> Result<Attributes> {
    client.json(Request::get(format!("rses/{}/attr/", segment(rse)))).await
}
