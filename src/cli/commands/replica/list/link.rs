//! `--link FROM:TO`: symbolic links to replicas that are mounted here.

use std::os::unix::fs::symlink;

use crate::error::{Error, Result};
use crate::http::JsonStream;
use crate::types::ReplicaEntry;

/// A folder in physical file names, and the folder that stands for it here.
pub(super) struct Substitution {
    from: String,
    to: String,
}

impl Substitution {
    /// Reads `FROM:TO`.
    pub(super) fn parse(text: &str) -> Result<Self> {
        match text.split(':').collect::<Vec<_>>()[..] {
            [from, to] if !from.is_empty() => Ok(Self { from: from.to_owned(), to: to.to_owned() }),
            _ => Err(Error::Value("The substitution parameter must equal --link=\"/pfn/dir:/dst/dir\"".to_owned())),
        }
    }

    /// Makes a link in this folder for each replica, at all RSEs or at these.
    pub(super) async fn make(&self, mut entries: JsonStream<ReplicaEntry>, rses: Option<&Vec<String>>) -> Result<()> {
        while let Some(entry) = entries.next().await? {
            let name = link_name(&entry.did.name)?;
            for (rse, pfns) in &entry.rses {
                if rses.is_some_and(|rses| !rses.contains(rse)) {
                    continue;
                }
                for pfn in pfns {
                    let target = self.target(pfn);
                    symlink(&target, name)
                        .map_err(|error| Error::io(format!("Cannot make the link '{target}' -> '{name}'"), error))?;
                }
            }
        }
        Ok(())
    }

    fn target(&self, pfn: &str) -> String {
        let rest = pfn.rsplit_once(&self.from).map_or(pfn, |(_, rest)| rest);
        format!("{}{rest}", self.to)
    }
}

/// The name of a link in this folder; a name that leads elsewhere is refused, whoever sent it.
fn link_name(name: &str) -> Result<&str> {
    match name.is_empty() || name == "." || name == ".." || name.contains(['/', '\0']) {
        true => Err(Error::Value(format!("{name:?} cannot be the name of a link in this folder"))),
        false => Ok(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_replaced() {
        let link = Substitution::parse("/eos/:/mnt/eos/").unwrap();
        assert_eq!(link.target("root://h//eos/test/f"), "/mnt/eos/test/f");
        assert!(Substitution::parse("/eos/").is_err());
    }

    #[test]
    fn links_stay_in_this_folder() {
        assert!(link_name("f.root").is_ok());
        for name in ["../x", "/etc/x", "..", "", "a/b"] {
            assert!(link_name(name).is_err(), "{name}");
        }
    }
}
