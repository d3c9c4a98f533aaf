//! Storage elements.

use serde::{Deserialize, Serialize};

use super::Attributes;

/// A row of `GET /rses/<rse>/usage`: how full an RSE is, as one source knows it.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(transparent)]
pub struct RseUsage(Attributes);

impl RseUsage {
    /// Who knows it: `rucio` itself, the `storage`, ...
    pub fn source(&self) -> &str {
        self.0.get("source").and_then(|source| source.as_str()).unwrap_or_default()
    }

    /// All that is known, in the server's order.
    pub fn fields(&self) -> &Attributes {
        &self.0
    }
}
