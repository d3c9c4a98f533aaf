//! Entries of the open data catalogue.

use serde::Deserialize;

use super::Did;
use crate::http::Raw;

/// Response of `GET /opendata/dids`.
#[derive(Debug, Deserialize)]
pub struct OpenDataList {
    /// Entries.
    pub dids: Vec<Raw<OpenData>>,
}

/// One entry of the catalogue.
#[derive(Debug, Clone, Deserialize)]
pub struct OpenData {
    /// DID.
    #[serde(flatten)]
    pub did: Did,
    /// `DRAFT`, `PUBLIC` or `SUSPENDED`.
    pub state: String,
}
