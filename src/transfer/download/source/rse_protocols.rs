//! The protocols of RSEs, each queried once, when a file has a replica there.

use std::collections::HashMap;
use std::path::{Component, Path};
use std::sync::{Arc, Mutex};

use serde::Deserialize;
use tokio::sync::OnceCell;

use crate::api::rses;
use crate::error::Result;
use crate::http::Client;
use crate::lock::lock;
use crate::storage::file;
use crate::transfer::job::Source;

/// A protocol of an RSE.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Protocol {
    pub(super) scheme: String,
    pub(super) r#impl: String,
    #[serde(default)]
    prefix: String,
    #[serde(default)]
    domains: HashMap<String, HashMap<String, Option<f64>>>,
}

/// The protocols of RSEs.
#[derive(Debug)]
pub struct RseProtocols<'a> {
    client: &'a Client,
    known: Mutex<HashMap<String, Arc<OnceCell<Vec<Protocol>>>>>,
}

impl<'a> RseProtocols<'a> {
    /// Creates an empty cache that queries this server.
    pub fn new(client: &'a Client) -> Self {
        Self { client, known: Mutex::default() }
    }

    /// Returns the protocols of an RSE.
    pub(super) async fn of(&self, rse: &str) -> Result<Vec<Protocol>> {
        let slot = lock(&self.known).entry(rse.to_owned()).or_default().clone();
        let ask = || async {
            let settings = rses::get(self.client, rse).await?;
            let listed = settings.get("protocols").and_then(|value| value.as_array()).cloned().unwrap_or_default();
            Ok(listed.into_iter().filter_map(|one| serde_json::from_value(one).ok()).collect())
        };
        slot.get_or_try_init(ask).await.cloned()
    }

    /// Checks a source that the server named: a `file://` address must be below the prefix of a file protocol of its RSE, as in the
    /// official client. Otherwise a server could have any file of this computer copied into a download.
    ///
    /// Errors: it is not, or the RSE cannot be queried.
    pub(crate) async fn check_local_path(&self, source: &Source) -> std::result::Result<(), String> {
        if source.pfn.scheme() != "file" {
            return Ok(());
        }
        let path = file::path(&source.pfn).map_err(|error| error.to_string())?;
        match self.of(&source.rse).await {
            Ok(protocols) if protocols.iter().any(|one| one.scheme == "file" && one.holds(&path)) => Ok(()),
            Ok(_) => Err(format!("{} is not below the prefix of a file protocol of {}", source.pfn, source.rse)),
            Err(error) => Err(format!("the protocols of {} cannot be requested: {error}", source.rse)),
        }
    }
}

impl Protocol {
    /// Whether it can be read over WAN, the domain that the official client uses for every download.
    pub(super) fn is_readable(&self) -> bool {
        self.domains.get("wan").and_then(|wan| wan.get("read")).is_some_and(|priority| priority.is_some())
    }

    /// Whether the path is below the prefix.
    fn holds(&self, path: &Path) -> bool {
        let is_straight = path.components().all(|part| part != Component::ParentDir);
        is_straight && path.starts_with(Path::new("/").join(self.prefix.trim_start_matches('/')))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rse_protocol_is_read_as_the_server_writes_it() {
        let text = |read: &str| {
            format!(
                r#"{{"scheme": "https", "impl": "x", "port": 1, "domains": {{"wan": {{"read": {read}}}, "lan": {{}}}}}}"#
            )
        };
        let readable = |read| serde_json::from_str::<Protocol>(&text(read)).unwrap().is_readable();
        assert!(readable("1") && !readable("null"));
        assert!(!serde_json::from_str::<Protocol>(r#"{"scheme": "a", "impl": "b"}"#).unwrap().is_readable());
    }

    #[test]
    fn rse_protocol_holds_the_paths_below_its_prefix() {
        let protocol = |prefix: &str| {
            serde_json::from_str::<Protocol>(&format!(r#"{{"scheme": "file", "impl": "x", "prefix": "{prefix}"}}"#))
        };
        for (prefix, path, expected) in [
            ("/data/", "/data/a/b", true),
            ("//data", "/data/a", true),
            ("data", "/data//a", true),
            ("/", "/etc/passwd", true),
            ("/data/", "/database/a", false),
            ("/data/", "/data/../etc/passwd", false),
            ("/data/", "/etc/passwd", false),
        ] {
            assert_eq!(protocol(prefix).unwrap().holds(Path::new(path)), expected, "{prefix} {path}");
        }
    }
}
