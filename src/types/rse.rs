//! Rucio storage elements (RSEs).

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Attributes;

/// A row of `GET /rses/<rse>/usage`: the usage of an RSE as reported by one source.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(transparent)]
pub struct RseUsage(Attributes);

impl RseUsage {
    /// Returns the source: `rucio` itself, the `storage`, ...
    pub fn source(&self) -> &str {
        self.0.get("source").and_then(|source| source.as_str()).unwrap_or_default()
    }

    /// Returns all fields, in the server's order.
    pub fn fields(&self) -> &Attributes {
        &self.0
    }
}

/// Settings of an RSE that a client needs to write to it (`GET /rses/<rse>`).
#[derive(Debug, Clone, Deserialize)]
pub struct RseSettings {
    /// Name.
    pub rse: String,
    /// Whether writing is enabled.
    pub availability_write: bool,
    /// Whether the path follows from the DID.
    pub deterministic: bool,
    /// Domains its protocols are available in: `lan`, `wan`.
    #[serde(default)]
    pub domain: Vec<String>,
    /// Algorithm for paths: `hash`, `identity`, or one that only the server knows.
    #[serde(default)]
    pub lfn2pfn_algorithm: Option<String>,
    /// Protocols.
    pub protocols: Vec<RseProtocol>,
    /// Service that signs its URLs (`gcs`, `s3`, `swift`), if they have to be signed.
    #[serde(default)]
    pub sign_url: Option<String>,
    /// Whether the checksums reported by the storage are to be verified.
    #[serde(default = "yes")]
    pub verify_checksum: bool,
}

fn yes() -> bool {
    true
}

/// Returns the class name in the official client of an implementation: `webdav` and `gfal.NoRename` are short for
/// longer names.
pub fn implementation_class(name: &str) -> String {
    let class = if name.contains('.') { "" } else { ".Default" };
    format!("rucio.rse.protocols.{name}{class}")
}

/// A protocol of an RSE.
#[derive(Debug, Clone, Deserialize)]
pub struct RseProtocol {
    /// Scheme: `davs`, `root`, ...
    pub scheme: String,
    /// Host name.
    pub hostname: String,
    /// Port; 0 for none.
    pub port: i64,
    /// Path prefix of all files.
    pub prefix: String,
    /// Implementation: the class name in the official client (`rucio.rse.protocols.webdav.Default`).
    pub r#impl: String,
    /// For each domain (`lan`, `wan`), the priority of each operation: 1 is the highest, `None` means not supported.
    pub domains: HashMap<String, HashMap<String, Option<i64>>>,
    /// Further parameters of the protocol.
    #[serde(default)]
    pub extended_attributes: Option<Value>,
}
