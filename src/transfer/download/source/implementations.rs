//! Protocol implementations named by RSEs (`rucio.rse.protocols.webdav.Default`). This program has one implementation
//! per protocol; an option or configuration that names one selects the RSEs that offer it.

use super::rse_protocols::{Protocol, RseProtocols};
use crate::http::Client;
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

/// The requested implementations, and the protocols of the RSEs.
#[derive(Debug)]
pub struct Implementations<'a> {
    choice: ImplementationChoice,
    protocols: RseProtocols<'a>,
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
        Self { choice, protocols: RseProtocols::new(client) }
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
            let Ok(protocols) = self.protocols.of(&source.rse).await else { continue };
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
        match self.protocols.of(&source.rse).await {
            Ok(protocols) if protocols.iter().any(fits) => Ok(()),
            Ok(_) => Err(format!("{} offers no {scheme} by {implementation}", source.rse)),
            Err(error) => Err(format!("the protocols of {} cannot be requested: {error}", source.rse)),
        }
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
}
