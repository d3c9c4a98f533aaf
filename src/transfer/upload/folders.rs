//! Maps a folder tree to collections: a folder of files is a dataset, a folder of folders is a container.

use std::fs;
use std::path::{Path, PathBuf};

use crate::api::dids;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::http::Client;
use crate::types::{CollectionType, Did};

/// The files and collections of a folder tree.
#[derive(Debug, Default)]
pub struct FolderTree {
    /// Files, each with its dataset.
    pub files: Vec<(PathBuf, Did)>,
    /// Datasets, in the order in which their folders are found.
    pub datasets: Vec<Did>,
    /// Containers with their content, in the order in which their folders are found.
    pub containers: Vec<(Did, Vec<Did>)>,
    /// Empty folders.
    pub empty: Vec<PathBuf>,
}

impl FolderTree {
    /// Reads a folder tree; symbolic links to folders are not followed.
    ///
    /// Errors: `InputValidationError` if a folder contains both files and folders, or if a name is not valid UTF-8.
    pub fn read(root: &Path, scope: &str) -> Result<Self> {
        let root = std::path::absolute(root).map_err(|error| unreadable(root, error))?;
        let mut tree = Self::default();
        tree.add(&root, scope)?;
        Ok(tree)
    }

    fn add(&mut self, folder: &Path, scope: &str) -> Result<()> {
        let (folders, files) = folder_content(folder)?;
        let did = did(folder, scope)?;
        match (folders.is_empty(), files.is_empty()) {
            (false, false) => {
                tracing::error!("A container can only have either collections or files, not both");
                let details =
                    format!("Invalid input folder structure: {} holds both files and folders", folder.display());
                return Err(Error::new(Exception::InputValidationError, details));
            }
            (true, true) => self.empty.push(folder.to_owned()),
            (true, false) => {
                self.files.extend(files.into_iter().map(|file| (file, did.clone())));
                self.datasets.push(did);
            }
            (false, true) => {
                let parts = folders.iter().map(|folder| self::did(folder, scope)).collect::<Result<_>>()?;
                self.containers.push((did, parts));
                folders.iter().try_for_each(|folder| self.add(folder, scope))?;
            }
        }
        Ok(())
    }

    /// Creates the collections that do not exist and attaches their content. Calls `report` for each creation and
    /// failure. Continues after a failure and returns the first one.
    pub async fn create(&self, client: &Client, report: impl Fn(CreationEvent<'_>)) -> Result<()> {
        let mut first = Ok(());
        let mut note = |outcome: Result<()>, about: &Did, what: &'static str| {
            match &outcome {
                Err(error) if !is_there(error) => report(CreationEvent::Failed { what, did: about, error }),
                Err(_) => return,
                Ok(()) => report(CreationEvent::Done { what, did: about }),
            }
            if first.is_ok() {
                first = outcome;
            }
        };
        for dataset in &self.datasets {
            note(dids::add(client, dataset, CollectionType::Dataset, false, None).await, dataset, "dataset");
        }
        for (container, _) in &self.containers {
            note(dids::add(client, container, CollectionType::Container, false, None).await, container, "container");
        }
        for (container, parts) in &self.containers {
            for part in parts {
                note(dids::attach(client, container, std::slice::from_ref(part)).await, container, "content");
            }
        }
        first
    }
}

/// Result for a collection.
#[derive(Debug)]
pub enum CreationEvent<'a> {
    /// The collection was created, or content was attached to it.
    Done {
        /// `dataset`, `container` or `content`.
        what: &'static str,
        /// The collection.
        did: &'a Did,
    },
    /// The call failed.
    Failed {
        /// `dataset`, `container` or `content`.
        what: &'static str,
        /// The collection.
        did: &'a Did,
        /// Reason.
        error: &'a Error,
    },
}

fn is_there(error: &Error) -> bool {
    use Exception::{DataIdentifierAlreadyExists, DuplicateContent, FileAlreadyExists};
    matches!(error.class(), Some(DataIdentifierAlreadyExists | DuplicateContent | FileAlreadyExists))
}

/// Returns the folders and files in a folder, sorted by name.
fn folder_content(folder: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let entries = fs::read_dir(folder).and_then(|entries| entries.collect::<std::io::Result<Vec<_>>>());
    let mut paths: Vec<_> =
        entries.map_err(|error| unreadable(folder, error))?.iter().map(std::fs::DirEntry::path).collect();
    paths.sort();
    let (folders, others): (Vec<_>, Vec<_>) = paths.into_iter().partition(|path| path.is_dir());
    let followed = folders.into_iter().filter(|folder| !folder.is_symlink()).collect();
    Ok((followed, others.into_iter().filter(|path| path.is_file()).collect()))
}

fn did(path: &Path, scope: &str) -> Result<Did> {
    let name = path.file_name().and_then(|name| name.to_str()).ok_or_else(|| {
        let details = format!("{} has no name that a collection could have.", path.display());
        Error::new(Exception::InputValidationError, details)
    })?;
    Ok(Did::new(scope, name))
}

fn unreadable(path: &Path, error: std::io::Error) -> Error {
    Error::io(format!("Cannot read {}", path.display()), error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_folders_are_containers_and_folders_of_files_datasets() {
        let dir = tempfile::tempdir().unwrap();
        for file in ["top/a/1", "top/a/2", "top/deep/b/3"] {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, b"").unwrap();
        }
        fs::create_dir(dir.path().join("top/void")).unwrap();
        std::os::unix::fs::symlink(dir.path(), dir.path().join("top/loop")).unwrap();
        let tree = FolderTree::read(&dir.path().join("top/"), "s").unwrap();
        let did = |name: &str| Did::new("s", name);
        assert_eq!(tree.datasets, [did("a"), did("b")]);
        let expected = [(did("top"), vec![did("a"), did("deep"), did("void")]), (did("deep"), vec![did("b")])];
        assert_eq!(tree.containers, expected);
        assert_eq!(tree.files.iter().map(|(_, did)| did.name.as_str()).collect::<Vec<_>>(), ["a", "a", "b"]);
        assert_eq!(tree.empty, [dir.path().join("top/void")]);
    }

    #[test]
    fn folders_with_files_beside_folders_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("sub")).unwrap();
        fs::write(dir.path().join("f"), b"").unwrap();
        assert_eq!(FolderTree::read(dir.path(), "s").unwrap_err().class(), Some(Exception::InputValidationError));
    }
}
