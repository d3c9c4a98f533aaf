//! The implementations of protocols that RSEs name (`rucio.rse.protocols.webdav.Default`). This program has one of each
//! protocol; but who asks for one, by option or configuration, means the places that name it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use tokio::sync::OnceCell;

use super::job::Source;
use crate::api::rses;
use crate::error::Result;
use crate::http::Client;
use crate::storage::scheme;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// Nothing but this one.
    Only(String),
    /// One of these, where an RSE that has the file names it.
    Preferred(Vec<String>),
}

/// What the RSEs offer, each asked once, when a file lies there.
#[derive(Debug)]
pub struct Implementations<'a> {
    client: &'a Client,
    wanted: Wanted,
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

impl Wanted {
    /// Takes the words of `--impl` or `preferred_impl`: `webdav` and `gfal.NoRename` are short for longer names.
    pub fn new(only: Option<&str>, preferred: &[String]) -> Option<Self> {
        match (only, preferred) {
            (Some(name), _) => Some(Self::Only(full(name))),
            (None, []) => None,
            (None, names) => Some(Self::Preferred(names.iter().map(|name| full(name)).collect())),
        }
    }
}

fn full(name: &str) -> String {
    match name.contains('.') {
        true => format!("rucio.rse.protocols.{name}"),
        false => format!("rucio.rse.protocols.{name}.Default"),
    }
}

impl<'a> Implementations<'a> {
    /// Asks this server what its RSEs offer.
    pub fn new(client: &'a Client, wanted: Wanted) -> Self {
        Self { client, wanted, known: Mutex::default() }
    }

    /// The implementation that a file with these sources is to come by; none if any will do. Of those that are preferred
    /// it is the one that the first RSE names which names one.
    pub(super) async fn choose(&self, sources: &[Source]) -> Option<String> {
        let preferred = match &self.wanted {
            Wanted::Only(name) => return Some(name.clone()),
            Wanted::Preferred(names) => names,
        };
        for source in sources {
            // An RSE that cannot be asked is no reason to prefer it, nor not to read from it.
            let Ok(protocols) = self.protocols(&source.rse).await else { continue };
            let found = protocols.iter().rev().find(|one| preferred.contains(&one.r#impl) && one.can_be_read());
            if let Some(found) = found {
                return Some(found.r#impl.clone());
            }
        }
        None
    }

    /// Refuses a source whose RSE does not name this implementation for its protocol.
    pub(super) async fn check(&self, source: &Source, implementation: &str) -> std::result::Result<(), String> {
        let scheme = scheme(&source.pfn);
        let fits = |one: &Protocol| one.r#impl == implementation && one.scheme == scheme && one.can_be_read();
        match self.protocols(&source.rse).await {
            Ok(protocols) if protocols.iter().any(fits) => Ok(()),
            Ok(_) => Err(format!("{} offers no {scheme} by {implementation}", source.rse)),
            Err(error) => Err(format!("what {} offers cannot be asked: {error}", source.rse)),
        }
    }

    async fn protocols(&self, rse: &str) -> Result<Vec<Protocol>> {
        let slot = self.known.lock().unwrap_or_else(PoisonError::into_inner).entry(rse.to_owned()).or_default().clone();
        let ask = || async {
            let settings = rses::get(self.client, rse).await?;
            let listed = settings.get("protocols").and_then(|value| value.as_array()).cloned().unwrap_or_default();
            Ok(listed.into_iter().filter_map(|one| serde_json::from_value(one).ok()).collect())
        };
        slot.get_or_try_init(ask).await.cloned()
    }
}

impl Protocol {
    /// Whether it may be read from far away, which is how the official client looks at every download.
    fn can_be_read(&self) -> bool {
        self.domains.get("wan").and_then(|wan| wan.get("read")).is_some_and(|priority| priority.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_stand_for_long_ones() {
        let only = |name: &str| Some(Wanted::Only(name.to_owned()));
        assert_eq!(Wanted::new(Some("webdav"), &[]), only("rucio.rse.protocols.webdav.Default"));
        let preferred = ["xrootd".to_owned(), "gfal.NoRename".to_owned()];
        assert_eq!(Wanted::new(Some("ssh.Rsync"), &preferred), only("rucio.rse.protocols.ssh.Rsync"));
        let long = ["rucio.rse.protocols.xrootd.Default", "rucio.rse.protocols.gfal.NoRename"].map(str::to_owned);
        assert_eq!(Wanted::new(None, &preferred), Some(Wanted::Preferred(long.into())));
        assert_eq!(Wanted::new(None, &[]), None);
    }

    #[test]
    fn a_protocol_is_read_as_the_server_writes_it() {
        let text = |read: &str| {
            format!(
                r#"{{"scheme": "https", "impl": "x", "port": 1, "domains": {{"wan": {{"read": {read}}}, "lan": {{}}}}}}"#
            )
        };
        let readable = |read| serde_json::from_str::<Protocol>(&text(read)).unwrap().can_be_read();
        assert!(readable("1") && !readable("null"));
        assert!(!serde_json::from_str::<Protocol>(r#"{"scheme": "a", "impl": "b"}"#).unwrap().can_be_read());
    }
}
