//! Replicas: where files and datasets are.

use std::collections::HashMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::Did;

/// A row of `POST /replicas/list`: one file with its replicas.
#[derive(Debug, Clone, Deserialize)]
pub struct ReplicaEntry {
    /// Which file.
    #[serde(flatten)]
    pub did: Did,
    /// Size in bytes.
    pub bytes: Option<u64>,
    /// Adler-32 as hexadecimal digits.
    pub adler32: Option<String>,
    /// MD5 as hexadecimal digits.
    pub md5: Option<String>,
    /// The physical file names in the server's order, each with what the server says of it.
    #[serde(default, deserialize_with = "pairs")]
    pub pfns: Vec<(String, Pfn)>,
    /// The physical file names of each RSE, in the server's order.
    #[serde(default, deserialize_with = "pairs")]
    pub rses: Vec<(String, Vec<String>)>,
    /// The state of the replica at each RSE (`AVAILABLE`, ...).
    #[serde(default)]
    pub states: HashMap<String, String>,
    /// The collections that led to this file, as `scope:name`; only if they were asked for.
    #[serde(default)]
    pub parents: Vec<String>,
}

impl ReplicaEntry {
    /// Whether no replica of the file is known or fits what was asked for.
    pub fn is_without_replica(&self) -> bool {
        self.states.is_empty() && self.pfns.is_empty()
    }

    /// The physical file names at this RSE.
    pub fn at(&self, rse: &str) -> &[String] {
        self.rses.iter().find(|(name, _)| name == rse).map_or(&[], |(_, pfns)| pfns)
    }
}

/// A replica by the names of its file and its RSE.
#[derive(Debug, Clone, Serialize)]
pub struct Replica {
    /// Which file.
    #[serde(flatten)]
    pub did: Did,
    /// The RSE.
    pub rse: String,
}

/// A row of `GET /replicas/suspicious`: a replica whose transfers or downloads failed.
#[derive(Debug, Clone, Deserialize)]
pub struct SuspiciousReplica {
    /// Which file.
    #[serde(flatten)]
    pub did: Did,
    /// The RSE.
    pub rse: String,
    /// When it was first reported; shown as the server writes it.
    pub created_at: Value,
    /// How often it was reported; shown as the server writes it.
    pub cnt: Value,
}

/// What the server says of a physical file name.
#[derive(Debug, Clone, Deserialize)]
pub struct Pfn {
    /// The RSE it lies on.
    pub rse: String,
    /// 1 is tried first.
    #[serde(default)]
    pub priority: Option<u32>,
    /// `wan`, `lan` or, for a file inside an archive, `zip`.
    #[serde(default)]
    pub domain: Option<String>,
    /// Whether the file must be taken out of an archive by the client.
    #[serde(default)]
    pub client_extract: bool,
}

/// A row of `GET /replicas/<scope>/<name>/datasets`.
#[derive(Debug, Clone, Deserialize)]
pub struct DatasetReplica {
    /// Which dataset.
    #[serde(flatten)]
    pub did: Did,
    /// The RSE.
    pub rse: String,
    /// How many of its files are there; shown as the server writes it.
    pub available_length: Value,
    /// How many files it has; shown as the server writes it.
    pub length: Value,
}

/// A row of `GET /replicas/rse/<rse>`: a dataset that has files at an RSE. Numbers are shown as the server writes them.
#[derive(Debug, Clone, Deserialize)]
pub struct DatasetAtRse {
    /// Which dataset.
    #[serde(flatten)]
    pub did: Did,
    /// How many of its files are there.
    pub available_length: Value,
    /// How many files it has.
    pub length: Value,
    /// How many of its bytes are there.
    pub available_bytes: Value,
    /// How many bytes it has.
    pub bytes: Value,
}

/// Where this machine is, as far as it can tell; the server sorts sources by it.
#[derive(Debug, Clone, Serialize)]
pub struct ClientLocation {
    /// The address of the interface that leads outside.
    pub ip: String,
    /// The host's full name.
    pub fqdn: String,
    /// The site's name, or `ROAMING`.
    pub site: String,
    /// Degrees north.
    pub latitude: Option<f64>,
    /// Degrees east.
    pub longitude: Option<f64>,
}

/// A JSON object as pairs, which keeps the server's order.
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
    fn an_entry_keeps_the_servers_order() {
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
