//! Storage elements.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

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

/// What a client that writes to an RSE must know of it (`GET /rses/<rse>`).
#[derive(Debug, Clone, Deserialize)]
pub struct RseSettings {
    /// Its name.
    pub rse: String,
    /// Whether it is open for writing.
    pub availability_write: bool,
    /// Whether a file's name decides where it lies.
    pub deterministic: bool,
    /// `lan`, `wan`: where its protocols can be used from.
    #[serde(default)]
    pub domain: Vec<String>,
    /// How a name becomes a path: `hash`, `identity`, or something only the server knows.
    #[serde(default)]
    pub lfn2pfn_algorithm: Option<String>,
    /// How its files are reached.
    pub protocols: Vec<RseProtocol>,
    /// The service that signs its URLs (`gcs`, `s3`, `swift`), if URLs have to be signed.
    #[serde(default)]
    pub sign_url: Option<String>,
    /// Whether what it says of checksums counts.
    #[serde(default = "yes")]
    pub verify_checksum: bool,
}

fn yes() -> bool {
    true
}

/// One way to reach the files of an RSE.
#[derive(Debug, Clone, Deserialize)]
pub struct RseProtocol {
    /// `davs`, `root`, ...
    pub scheme: String,
    /// The host.
    pub hostname: String,
    /// The port; 0 for none.
    pub port: i64,
    /// The path that all files of the RSE are below of.
    pub prefix: String,
    /// The class of the official client that speaks it (`rucio.rse.protocols.webdav.Default`).
    pub r#impl: String,
    /// For each domain (`lan`, `wan`), the priority of each operation; 1 is the best, none means not supported.
    pub domains: HashMap<String, HashMap<String, Option<i64>>>,
    /// What else the protocol needs.
    #[serde(default)]
    pub extended_attributes: Option<Value>,
}
