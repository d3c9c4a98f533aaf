//! `--link FROM:TO`: symbolic links to replicas on mounted storage.

use std::os::unix::fs::symlink;

use serde_json::json;

use crate::cli::context::Context;
use crate::cli::ui::Shape;
use crate::error::{Error, Result};
use crate::lists::ReplicaList;

const SHAPE: Shape = Shape::named(&["link"], &["link", "target", "scope", "name", "rse", "pfn"]);

/// A directory in PFNs and the local directory that replaces it.
pub(super) struct Substitution {
    from: String,
    to: String,
}

impl Substitution {
    /// Parses `FROM:TO`.
    pub(super) fn parse(text: &str) -> Result<Self> {
        match text.split(':').collect::<Vec<_>>()[..] {
            [from, to] if !from.is_empty() => Ok(Self { from: from.to_owned(), to: to.to_owned() }),
            _ => Err(Error::value("The substitution parameter must equal --link=\"/pfn/dir:/dst/dir\"".to_owned())),
        }
    }

    /// Creates a link in the current directory for each file: to its first replica, at any RSE or at one of `rses`.
    pub(super) async fn make(
        &self,
        context: &Context,
        mut entries: ReplicaList<'_>,
        rses: Option<&Vec<String>>,
    ) -> Result<()> {
        let mut list = context.ui.list(SHAPE);
        while let Some(entry) = entries.next().await? {
            let link = link_name(&entry.did.name)?;
            let listed = entry.rses.iter().filter(|(rse, _)| rses.is_none_or(|rses| rses.contains(rse)));
            let mut replicas = listed.flat_map(|(rse, pfns)| pfns.iter().map(move |pfn| (rse, pfn)));
            // A second link of the same name cannot be created.
            if let Some((rse, pfn)) = replicas.next() {
                let target = self.target(pfn);
                symlink(&target, link)
                    .map_err(|error| Error::io(format!("Cannot create the link '{target}' -> '{link}'"), error))?;
                list.record(&json!({"link": link, "target": target, "scope": entry.did.scope, "name": entry.did.name,
                                    "rse": rse, "pfn": pfn}))?;
            }
        }
        list.end()
    }

    fn target(&self, pfn: &str) -> String {
        let rest = pfn.rsplit_once(&self.from).map_or(pfn, |(_, rest)| rest);
        format!("{}{rest}", self.to)
    }
}

/// Returns a name for a link in the current directory. Errors: the name, which a server sent, leads out of it.
fn link_name(name: &str) -> Result<&str> {
    if name.is_empty() || name == "." || name == ".." || name.contains(['/', '\0']) {
        Err(Error::value(format!("{name:?} cannot be the name of a link in this folder")))
    } else {
        Ok(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_replaces_the_folder() {
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
