//! Data identifiers (DIDs), their content and metadata.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ScopeConvention;
use crate::error::Result;

/// A data identifier, `scope:name`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Did {
    /// Scope.
    pub scope: String,
    /// Name within the scope.
    pub name: String,
}

impl Did {
    /// Creates a DID from scope and name.
    pub fn new(scope: impl Into<String>, name: impl Into<String>) -> Self {
        Self { scope: scope.into(), name: name.into() }
    }

    /// Parses a DID as typed by the user. Errors: more than one colon, an empty part, or a DID that the convention does
    /// not allow.
    pub fn parse(text: &str, convention: ScopeConvention) -> Result<Self> {
        convention.parse(text, &[])
    }

    /// Like [`Did::parse`], for conventions that also depend on which scopes exist.
    pub fn parse_among(text: &str, convention: ScopeConvention, scopes: &[String]) -> Result<Self> {
        convention.parse(text, scopes)
    }
}

impl fmt::Display for Did {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.scope, self.name)
    }
}

/// The types of collections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum CollectionType {
    /// Contains files.
    Dataset,
    /// Contains datasets and containers.
    Container,
}

/// A row of `GET /dids/<scope>/dids/search`.
#[derive(Debug, Clone, Deserialize)]
pub struct FoundDid {
    /// DID.
    #[serde(flatten)]
    pub did: Did,
    /// `CONTAINER`, `DATASET` or `FILE`; `None` if a metadata plugin found it.
    pub did_type: Option<String>,
    /// Number of files, if the server stores it.
    pub length: Option<u64>,
    /// Size in bytes, if the server stores it.
    pub bytes: Option<u64>,
}

/// A row of `GET /dids/<scope>/<name>/dids` and `.../parents`.
#[derive(Debug, Clone, Deserialize)]
pub struct CollectionContent {
    /// DID.
    #[serde(flatten)]
    pub did: Did,
    /// Type, as the server writes it.
    #[serde(rename = "type")]
    pub did_type: String,
}

/// A row of `GET /dids/<scope>/<name>/files`.
#[derive(Debug, Clone, Deserialize)]
pub struct FileEntry {
    /// DID of the file.
    #[serde(flatten)]
    pub did: Did,
    /// Size in bytes.
    pub bytes: Option<u64>,
    /// Adler-32 as eight hexadecimal digits.
    pub adler32: Option<String>,
    /// GUID: 32 hexadecimal digits, without dashes.
    pub guid: Option<String>,
    /// Number of events; shown as the server writes it.
    #[serde(default)]
    pub events: Value,
}

/// Metadata of a DID, as far as commands need it (`GET /dids/<scope>/<name>/meta`).
#[derive(Debug, Clone, Deserialize)]
pub struct Metadata {
    /// DID.
    #[serde(flatten)]
    pub did: Did,
    /// `CONTAINER`, `DATASET` or `FILE`.
    pub did_type: String,
    /// End of life set by the lifetime model; `None` if the model does not apply to the DID.
    #[serde(default)]
    pub eol_at: Option<String>,
}

/// Size and checksums in the metadata of a file.
#[derive(Debug, Clone, Deserialize)]
pub struct FileMetadata {
    /// DID of the file.
    #[serde(flatten)]
    pub did: Did,
    /// `FILE`, or another type of DID.
    pub did_type: String,
    /// Size in bytes.
    pub bytes: Option<u64>,
    /// Adler-32 as hexadecimal digits.
    pub adler32: Option<String>,
    /// MD5 as hexadecimal digits.
    pub md5: Option<String>,
}
