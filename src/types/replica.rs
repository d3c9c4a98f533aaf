//! Replicas of files and datasets.

use std::collections::HashMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::Did;

/// A row of `POST /replicas/list`: one file with its replicas.
#[derive(Debug, Clone, Deserialize)]
pub struct ReplicaEntry {
    /// DID of the file.
    #[serde(flatten)]
    pub did: Did,
    /// Size in bytes.
    pub bytes: Option<u64>,
    /// Adler-32 as hexadecimal digits.
    pub adler32: Option<String>,
    /// MD5 as hexadecimal digits.
    pub md5: Option<String>,
    /// PFNs in the server's order, each with the attributes of its replica.
    #[serde(default, deserialize_with = "pairs")]
    pub pfns: Vec<(String, ReplicaAttributes)>,
    /// PFNs per RSE, in the server's order.
    #[serde(default, deserialize_with = "pairs")]
    pub rses: Vec<(String, Vec<String>)>,
    /// State of the replica per RSE (`AVAILABLE`, ...).
    #[serde(default)]
    pub states: HashMap<String, String>,
    /// Collections that contain this file, as `scope:name`; only if requested.
    #[serde(default)]
    pub parents: Vec<String>,
}

impl ReplicaEntry {
    /// Returns whether the file has no replica, or none that matches the query.
    pub fn is_without_replica(&self) -> bool {
        self.states.is_empty() && self.pfns.is_empty()
    }

    /// Returns the PFNs at this RSE.
    pub fn at(&self, rse: &str) -> &[String] {
        self.rses.iter().find(|(name, _)| name == rse).map_or(&[], |(_, pfns)| pfns)
    }
}

/// A replica, identified by file and RSE.
#[derive(Debug, Clone, Serialize)]
pub struct Replica {
    /// DID of the file.
    #[serde(flatten)]
    pub did: Did,
    /// RSE.
    pub rse: String,
}

/// A row of `GET /replicas/suspicious`: a replica with failed transfers or downloads.
#[derive(Debug, Clone, Deserialize)]
pub struct SuspiciousReplica {
    /// DID of the file.
    #[serde(flatten)]
    pub did: Did,
    /// RSE.
    pub rse: String,
    /// Time of the first report; shown as the server writes it.
    pub created_at: Value,
    /// Number of reports; shown as the server writes it.
    pub cnt: Value,
}

/// Attributes of a replica, given next to its PFN.
#[derive(Debug, Clone, Deserialize)]
pub struct ReplicaAttributes {
    /// RSE.
    pub rse: String,
    /// Priority; 1 is the highest.
    #[serde(default)]
    pub priority: Option<u32>,
    /// `wan`, `lan` or, for a file inside an archive, `zip`.
    #[serde(default)]
    pub domain: Option<String>,
    /// Whether the client has to extract the file from an archive.
    #[serde(default)]
    pub client_extract: bool,
}

/// A row of `GET /replicas/<scope>/<name>/datasets`.
#[derive(Debug, Clone, Deserialize)]
pub struct DatasetReplica {
    /// DID of the dataset.
    #[serde(flatten)]
    pub did: Did,
    /// RSE.
    pub rse: String,
    /// Number of its files at the RSE; shown as the server writes it.
    pub available_length: Value,
    /// Total number of its files; shown as the server writes it.
    pub length: Value,
}

/// A row of `GET /replicas/rse/<rse>`: a dataset with files at an RSE. Numbers are shown as the server writes them.
#[derive(Debug, Clone, Deserialize)]
pub struct DatasetAtRse {
    /// DID of the dataset.
    #[serde(flatten)]
    pub did: Did,
    /// Number of its files at the RSE.
    pub available_length: Value,
    /// Total number of its files.
    pub length: Value,
    /// Number of its bytes at the RSE.
    pub available_bytes: Value,
    /// Total number of its bytes.
    pub bytes: Value,
}

/// Deserializes a JSON object as pairs, which preserves the server's order.
fn pairs<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<(String, T)>, D::Error> {
    struct Pairs<T>(std::marker::PhantomData<T>);
    impl<'de, T: Deserialize<'de>> serde::de::Visitor<'de> for Pairs<T> {
        type Value = Vec<(String, T)>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut pairs = Vec::with_capacity(map.size_hint().unwrap_or(0));
            while let Some(pair) = map.next_entry()? {
                pairs.push(pair);
            }
            Ok(pairs)
        }
    }
    deserializer.deserialize_map(Pairs(std::marker::PhantomData))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replica_keeps_the_servers_order() {
        let entry: ReplicaEntry = serde_json::from_str(
            r#"{"scope": "s", "name": "n", "bytes": 3, "md5": null, "adler32": "0356986e",
                "pfns": {"https://z/": {"rse": "Z", "priority": 1}, "file:///a": {"rse": "A", "priority": 2}},
                "rses": {"Z": ["https://z/"], "A": []}, "states": {"Z": "AVAILABLE"}, "parents": []}"#,
        )
        .unwrap();
        assert_eq!(entry.pfns.iter().map(|(pfn, _)| pfn.as_str()).collect::<Vec<_>>(), ["https://z/", "file:///a"]);
        assert_eq!((entry.at("Z").len(), entry.at("A").len(), entry.at("B").len()), (1, 0, 0));
    }
}
