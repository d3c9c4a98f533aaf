//! Files to register in the catalogue, and their known metadata.

use serde::Serialize;

use super::Did;

/// A file with its replica at an RSE, as sent with `POST /replicas` and `PUT /replicas`.
#[derive(Debug, Clone, Serialize)]
pub struct NewReplica {
    /// DID of the file.
    #[serde(flatten)]
    pub did: Did,
    /// Size in bytes.
    pub bytes: u64,
    /// Adler-32 as eight hexadecimal digits.
    pub adler32: String,
    /// MD5 as 32 hexadecimal digits.
    pub md5: String,
    /// Metadata of the file.
    pub meta: NewMetadata,
    /// State: `A` (available) or `C` (copying).
    pub state: &'static str,
    /// PFN, for RSEs where the path does not follow from the DID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pfn: Option<String>,
}

/// Metadata of a new file.
#[derive(Debug, Clone, Serialize)]
pub struct NewMetadata {
    /// GUID: 32 hexadecimal digits, without dashes.
    pub guid: String,
}

/// A rule created together with a dataset (`POST /dids/<scope>/<name>`).
#[derive(Debug, Clone, Serialize)]
pub struct DatasetRule {
    /// Owner.
    pub account: String,
    /// Number of copies.
    pub copies: i64,
    /// Destination RSE expression.
    pub rse_expression: String,
    /// `DATASET`, `ALL` or `NONE`.
    pub grouping: &'static str,
    /// Lifetime in seconds.
    pub lifetime: Option<i64>,
}

/// Catalogue metadata of a file before its upload (`GET /dids/<scope>/<name>/meta`).
#[derive(Debug, Clone, serde::Deserialize)]
pub struct KnownFile {
    /// DID of the file.
    #[serde(flatten)]
    pub did: Did,
    /// `CONTAINER`, `DATASET` or `FILE`.
    pub did_type: String,
    /// Size in bytes.
    #[serde(default)]
    pub bytes: Option<u64>,
    /// Adler-32 as hexadecimal digits.
    #[serde(default)]
    pub adler32: Option<String>,
    /// MD5 as hexadecimal digits.
    #[serde(default)]
    pub md5: Option<String>,
}
