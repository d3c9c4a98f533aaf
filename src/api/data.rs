//! `/export` and `/import`: RSEs, distances and the other administrative data of the catalogue.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

use crate::error::Result;
use crate::http::{Client, Request};

/// Returns the export as sent by the server: `GET /export`.
pub(crate) async fn export(client: &Client) -> Result<String> {
    client.text(Request::get("export").query("distance", "True")).await
}

/// Imports `data` into the server: `POST /import`.
pub(crate) async fn import(client: &Client, data: Value) -> Result<()> {
    client.execute(Request::post("import", data)).await
}

/// RSEs with their protocols, from an export.
#[derive(Debug, Deserialize)]
pub(crate) struct Rses {
    /// RSEs by name.
    pub rses: HashMap<String, Rse>,
}

/// An RSE in an export.
#[derive(Debug, Deserialize)]
pub(crate) struct Rse {
    #[serde(default)]
    pub protocols: Vec<Protocol>,
}

/// A protocol in an export.
#[derive(Debug, Deserialize)]
pub(crate) struct Protocol {
    /// Scheme: `https`, `davs`, ...
    pub scheme: String,
    /// Host name.
    pub hostname: String,
    /// Port, if set.
    pub port: Option<i64>,
    /// Path prefix.
    pub prefix: String,
}

/// Returns the protocols of all RSEs: `GET /export` without distances.
pub(crate) async fn protocols(client: &Client) -> Result<Rses> {
    client.json(Request::get("export").query("distance", "False")).await
}
