//! Finds the local files to upload.

use std::path::{Path, PathBuf};

use super::options::Args;
use super::refusal;
use crate::error::{Error, Result};
use crate::transfer::job::JobId;
use crate::transfer::upload::folders::FolderTree;
use crate::transfer::upload::local::{LocalFile, files_in};
use crate::types::Did;

/// Returns the files that the arguments select, and the directory trees to create as collections.
///
/// Errors: `InputValidationError` if there is no file, or a DID is that of a file and of a dataset.
pub(super) fn files(args: &Args, scope: &str) -> Result<(Vec<LocalFile>, Vec<FolderTree>)> {
    let items = args.items();
    let dataset = items.dataset.map(|(scope, name)| Did::new(scope, name));
    let mut files = Vec::new();
    let mut trees = Vec::new();
    for path in items.paths {
        let path = Path::new(path);
        match (path.is_dir(), path.is_file(), args.recursive) {
            (true, _, true) => trees.push(FolderTree::read(path, scope)?),
            (true, _, false) => files.extend(inside(path)?.into_iter().map(|path| (path, dataset.clone()))),
            (_, true, false) => files.push((path.to_owned(), dataset.clone())),
            (_, true, true) => tracing::warn!("Skipping {} because of --recursive flag", path.display()),
            _ => tracing::warn!("No such file or directory: {}", path.display()),
        }
    }
    for tree in &trees {
        tree.empty.iter().for_each(|folder| tracing::warn!("The folder {} is empty, skipping", folder.display()));
        files.extend(tree.files.iter().map(|(path, did)| (path.clone(), Some(did.clone()))));
    }
    let files =
        files.into_iter().map(|(path, dataset)| local(args, scope, path, dataset)).collect::<Result<Vec<_>>>()?;
    check(&files)?;
    Ok((files, trees))
}

/// Returns the files of a directory, without those in subdirectories.
fn inside(folder: &Path) -> Result<Vec<PathBuf>> {
    let unreadable = |error| Error::io(format!("Cannot read {}", folder.display()), error);
    let (files, has_folders) = files_in(folder).map_err(unreadable)?;
    match (files.is_empty(), has_folders) {
        (true, false) => tracing::warn!("Skipping {} because it is empty.", folder.display()),
        (true, true) => tracing::warn!(
            "Skipping {} because it has no files in it. Subdirectories are not supported.",
            folder.display()
        ),
        _ => {}
    }
    Ok(files)
}

fn local(args: &Args, scope: &str, path: PathBuf, dataset: Option<Did>) -> Result<LocalFile> {
    let basename = path.file_name().and_then(|name| name.to_str());
    let basename =
        basename.ok_or_else(|| refusal(format!("The name of {} is not valid UTF-8.", path.display())))?.to_owned();
    let metadata = path.metadata().map_err(|error| Error::io(format!("Cannot read {}", path.display()), error))?;
    let name = args.lfn.clone().unwrap_or_else(|| basename.clone());
    Ok(LocalFile {
        id: JobId::unique(),
        did: Did::new(scope, name),
        dataset,
        guid: args.guid.clone(),
        may_hold_guid: !args.no_register,
        bytes: metadata.len(),
        basename,
        path,
    })
}

fn check(files: &[LocalFile]) -> Result<()> {
    if files.is_empty() {
        return Err(refusal("No valid input files given"));
    }
    let is_dataset = |did: &Did| files.iter().any(|file| file.dataset.as_ref() == Some(did));
    match files.iter().find(|file| is_dataset(&file.did)) {
        Some(file) => Err(refusal(format!("DIDs used to address both files and datasets: {{'{}'}}", file.did))),
        None => Ok(()),
    }
}
