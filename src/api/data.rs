//! `/export` and `/import`: the RSEs, and whatever else of the catalogue is set up by administrators.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

use crate::error::Result;
use crate::http::{Client, Request};

/// All of it, as the text the server sent: `GET /export`.
pub async fn export(client: &Client) -> Result<String> {
    client.text(Request::get("export").query("distance", "True")).await
}

/// Brings the server to what `data` says: `POST /import`.
pub async fn import(client: &Client, data: Value) -> Result<()> {
    client.done(Request::post("import", data)).await
}

/// The RSEs with their protocols, as an export knows them.
#[derive(Debug, Deserialize)]
pub struct Rses {
    /// By name.
    pub rses: HashMap<String, Rse>,
}

/// An RSE of an export.
#[derive(Debug, Deserialize)]
pub struct Rse {
    /// How its files are reached.
    #[serde(default)]
    pub protocols: Vec<Protocol>,
}

/// A protocol of an export.
#[derive(Debug, Deserialize)]
pub struct Protocol {
    /// `https`, `davs`, ...
    pub scheme: String,
    /// The host.
    pub hostname: String,
    /// The port, if one is set.
    pub port: Option<i64>,
    /// The folder.
    pub prefix: String,
}

/// The protocols of all RSEs: `GET /export` without distances.
pub async fn protocols(client: &Client) -> Result<Rses> {
    client.json(Request::get("export").query("distance", "False")).await
}
