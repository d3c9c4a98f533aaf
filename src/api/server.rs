//! `/ping`: the server's version.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::http::{Client, Request};

/// Response of `GET /ping`.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Ping {
    /// Rucio release of the server.
    pub version: String,
}

/// Returns the server's version: `GET /ping`.
pub(crate) async fn ping(client: &Client) -> Result<Ping> {
    client.json(Request::get("ping")).await
}

/// Returns the version of this server, without a token: `GET /ping`.
pub(crate) async fn ping_at(client: &Client, host: &str) -> Result<Ping> {
    client.transport().json(host, &Request::get("ping")).await
}
