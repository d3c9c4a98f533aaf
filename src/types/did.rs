//! Data identifiers (DIDs), their content and metadata.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::exceptions::Exception;

/// A data identifier, `scope:name`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Did {
    /// Scope.
    pub scope: String,
    /// Name within the scope.
    pub name: String,
}

/// How the scope is extracted from a DID written without one (`[common]` or `[policy] extract_scope`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ScopeConvention {
    /// `scope:name`, or a name whose first part is the scope (`user.jdoe.test` is `user.jdoe:user.jdoe.test`).
    #[default]
    Default,
    /// A path whose second element is the scope (`/vo/scope/...`).
    Dirac,
}

impl Did {
    /// Creates a DID from scope and name.
    pub fn new(scope: impl Into<String>, name: impl Into<String>) -> Self {
        Self { scope: scope.into(), name: name.into() }
    }

    /// Parses a DID as typed by the user. Errors: more than one colon, or an empty part.
    pub fn parse(text: &str, convention: ScopeConvention) -> Result<Self> {
        match convention {
            ScopeConvention::Dirac => Self::parse_path(text),
            ScopeConvention::Default => match text.split(':').collect::<Vec<_>>()[..] {
                [name] => Ok(Self::from_name(name)),
                [scope, name] if !scope.is_empty() && !name.is_empty() => Ok(Self::new(scope, name)),
                [_, _] => Err(malformed(text, "its scope or its name is empty")),
                ref parts => Err(malformed(text, &format!("it has {} colons, not one", parts.len() - 1))),
            },
        }
    }

    fn from_name(text: &str) -> Self {
        let parts = if text.starts_with("user") || text.starts_with("group") { 2 } else { 1 };
        let scope = text.split('.').take(parts).collect::<Vec<_>>().join(".");
        Self::new(scope, text.strip_suffix('/').unwrap_or(text))
    }

    fn parse_path(text: &str) -> Result<Self> {
        let elements: Vec<_> = text.trim_end_matches('/').split('/').collect();
        let scope = elements.get(2).or_else(|| elements.get(1));
        scope.map(|scope| Self::new(*scope, text)).ok_or_else(|| malformed(text, "it is not a path with a VO"))
    }
}

impl fmt::Display for Did {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.scope, self.name)
    }
}

fn malformed(text: &str, why: &str) -> Error {
    Error::new(Exception::RucioException, format!("{text:?} is not a DID: {why}. Use scope:name."))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str, convention: ScopeConvention) -> Option<(String, String)> {
        Did::parse(text, convention).ok().map(|did| (did.scope, did.name))
    }

    #[test]
    fn did_parses_as_in_the_official_client() {
        let cases = [
            ("test:mixed", Some(("test", "mixed"))),
            ("user.jdoe.test.1", Some(("user.jdoe", "user.jdoe.test.1"))),
            ("group.phys.x/", Some(("group.phys", "group.phys.x"))),
            ("mc.file", Some(("mc", "mc.file"))),
            ("user", Some(("user", "user"))),
            ("test:", None),
            (":mixed", None),
            ("a:b:c", None),
        ];
        for (text, expected) in cases {
            let expected = expected.map(|(scope, name)| (scope.to_owned(), name.to_owned()));
            assert_eq!(parsed(text, ScopeConvention::Default), expected, "{text}");
        }
    }

    #[test]
    fn did_scope_comes_from_dirac_paths() {
        for (text, scope) in [("/belle/user/x", Some("user")), ("/belle/", Some("belle")), ("x", None)] {
            assert_eq!(parsed(text, ScopeConvention::Dirac).map(|did| did.0).as_deref(), scope, "{text}");
        }
    }
}
