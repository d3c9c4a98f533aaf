//! Protocol implementations named by RSEs (`rucio.rse.protocols.webdav.Default`). This program has one implementation
//! per protocol; an option or configuration that names one selects the RSEs that offer it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use serde::Deserialize;
use tokio::sync::OnceCell;

use crate::api::rses;
use crate::error::Result;
use crate::http::Client;
use crate::lock::lock;
use crate::transfer::job::Source;
use crate::types::implementation_class;

/// The requested implementations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImplementationChoice {
    /// Only this one.
    Only(String),
    /// One of these, if an RSE that has the file offers it.
    Preferred(Vec<String>),
}

/// The protocols of RSEs, each queried once, when a file has a replica there.
#[derive(Debug)]
pub struct Implementations<'a> {
    client: &'a Client,
    choice: ImplementationChoice,
    known: Mutex<HashMap<String, Arc<OnceCell<Vec<Protocol>>>>>,
}

/// A protocol of an RSE.
#[derive(Debug, Clone, Deserialize)]
struct Protocol {
    scheme: String,
    r#impl: String,
    #[serde(default)]
    domains: HashMap<String, HashMap<String, Option<f64>>>,
}

impl ImplementationChoice {
    /// Parses the names of `--impl` or `preferred_impl`: `webdav` and `gfal.NoRename` are short for longer names.
    pub fn new(only: Option<&str>, preferred: &[String]) -> Option<Self> {
        match (only, preferred) {
            (Some(name), _) => Some(Self::Only(implementation_class(name))),
            (None, []) => None,
            (None, names) => Some(Self::Preferred(names.iter().map(|name| implementation_class(name)).collect())),
        }
    }
}

impl<'a> Implementations<'a> {
    /// Creates an empty cache that queries this server.
    pub fn new(client: &'a Client, choice: ImplementationChoice) -> Self {
        Self { client, choice, known: Mutex::default() }
    }

    /// Returns the implementation for a file with these sources; `None` if any will do. Of the preferred ones it is the
    /// one offered by the first source whose RSE offers any.
    pub(crate) async fn choose(&self, sources: &[Source]) -> Option<String> {
        let preferred = match &self.choice {
            ImplementationChoice::Only(name) => return Some(name.clone()),
            ImplementationChoice::Preferred(names) => names,
        };
        for source in sources {
            // An RSE that cannot be queried is neither preferred nor excluded.
            let Ok(protocols) = self.protocols(&source.rse).await else { continue };
            let found = protocols.iter().rev().find(|one| preferred.contains(&one.r#impl) && one.is_readable());
            if let Some(found) = found {
                return Some(found.r#impl.clone());
            }
        }
        None
    }

    /// Checks that the RSE of a source offers this implementation for its protocol. Errors: it does not, or cannot be
    /// queried.
    pub(crate) async fn check(&self, source: &Source, implementation: &str) -> std::result::Result<(), String> {
        let scheme = source.pfn.scheme();
        let fits = |one: &Protocol| one.r#impl == implementation && one.scheme == scheme && one.is_readable();
        match self.protocols(&source.rse).await {
            Ok(protocols) if protocols.iter().any(fits) => Ok(()),
            Ok(_) => Err(format!("{} offers no {scheme} by {implementation}", source.rse)),
            Err(error) => Err(format!("the protocols of {} cannot be requested: {error}", source.rse)),
        }
    }

    async fn protocols(&self, rse: &str) -> Result<Vec<Protocol>> {
        let slot = lock(&self.known).entry(rse.to_owned()).or_default().clone();
        let ask = || async {
            let settings = rses::get(self.client, rse).await?;
            let listed = settings.get("protocols").and_then(|value| value.as_array()).cloned().unwrap_or_default();
            Ok(listed.into_iter().filter_map(|one| serde_json::from_value(one).ok()).collect())
        };
        slot.get_or_try_init(ask).await.cloned()
    }
}

impl Protocol {
    /// Whether it can be read over WAN, the domain that the official client uses for every download.
    fn is_readable(&self) -> bool {
        self.domains.get("wan").and_then(|wan| wan.get("read")).is_some_and(|priority| priority.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn implementation_short_names_stand_for_long_ones() {
        let only = |name: &str| Some(ImplementationChoice::Only(name.to_owned()));
        assert_eq!(ImplementationChoice::new(Some("webdav"), &[]), only("rucio.rse.protocols.webdav.Default"));
        let preferred = ["xrootd".to_owned(), "gfal.NoRename".to_owned()];
        assert_eq!(ImplementationChoice::new(Some("ssh.Rsync"), &preferred), only("rucio.rse.protocols.ssh.Rsync"));
        let long = ["rucio.rse.protocols.xrootd.Default", "rucio.rse.protocols.gfal.NoRename"].map(str::to_owned);
        assert_eq!(ImplementationChoice::new(None, &preferred), Some(ImplementationChoice::Preferred(long.into())));
        assert_eq!(ImplementationChoice::new(None, &[]), None);
    }

    #[test]
    fn implementation_protocol_is_read_as_the_server_writes_it() {
        let text = |read: &str| {
            format!(
                r#"{{"scheme": "https", "impl": "x", "port": 1, "domains": {{"wan": {{"read": {read}}}, "lan": {{}}}}}}"#
            )
        };
        let readable = |read| serde_json::from_str::<Protocol>(&text(read)).unwrap().is_readable();
        assert!(readable("1") && !readable("null"));
        assert!(!serde_json::from_str::<Protocol>(r#"{"scheme": "a", "impl": "b"}"#).unwrap().is_readable());
    }
}
