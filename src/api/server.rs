//! The server itself.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::http::{Client, Request};

/// The answer of `GET /ping`.
#[derive(Debug, Deserialize, Serialize)]
pub struct Ping {
    /// The Rucio release the server runs.
    pub version: String,
}

/// Asks the server which release it runs: `GET /ping`.
pub async fn ping(client: &Client) -> Result<Ping> {
    client.json(Request::get("ping")).await
}

/// Asks this server the same, without a token.
pub async fn ping_at(client: &Client, host: &str) -> Result<Ping> {
    client.public_json(Some(host), Request::get("ping")).await
}
