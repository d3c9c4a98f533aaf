//! Files that are made known to the catalogue.

use serde::Serialize;

use super::Did;

/// A file with its replica at an RSE, as `POST /replicas` and `PUT /replicas` take it.
#[derive(Debug, Clone, Serialize)]
pub struct NewReplica {
    /// Which file.
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
    /// `A` (available) or `C` (being copied there).
    pub state: &'static str,
    /// Where it lies, on an RSE where the name does not decide that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pfn: Option<String>,
}

/// Metadata of a new file.
#[derive(Debug, Clone, Serialize)]
pub struct NewMetadata {
    /// 32 hexadecimal digits, without dashes.
    pub guid: String,
}

/// A rule that is made together with a dataset (`POST /dids/<scope>/<name>`).
#[derive(Debug, Clone, Serialize)]
pub struct DatasetRule {
    /// Its owner.
    pub account: String,
    /// How many copies.
    pub copies: i64,
    /// Where to.
    pub rse_expression: String,
    /// `DATASET`, `ALL` or `NONE`.
    pub grouping: &'static str,
    /// Seconds until it ends.
    pub lifetime: Option<i64>,
}

/// What is known of a file before it is uploaded (`GET /dids/<scope>/<name>/meta`).
#[derive(Debug, Clone, serde::Deserialize)]
pub struct KnownFile {
    /// Which file.
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
