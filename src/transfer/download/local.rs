//! Checks of existing local files, and copies of downloaded ones.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::target_folder::TargetFolder;
use crate::transfer::checksum::Checksum;
use crate::transfer::download::{DownloadOptions, FileDownload};
use crate::transfer::events::FileEvent;
use crate::transfer::partial_file::temporary::{copy, is_reserved, remove_leftover};

impl FileDownload<'_> {
    /// Returns the first path that has the right file already. Errors: a path can never be written.
    pub(super) async fn find_existing(&self, destinations: &[PathBuf]) -> Result<Option<PathBuf>, String> {
        for destination in destinations {
            let is_file =
                is_file(destination).map_err(|error| format!("cannot write {}: {error}", destination.display()))?;
            if !is_file {
                continue;
            }
            if self.is_right(destination).await {
                remove_leftover(destination, self.expected_checksum());
                return Ok(Some(destination.clone()));
            }
            self.emit(FileEvent::Differs { by_size: self.downloader.options.local_by_size });
        }
        Ok(None)
    }

    /// Copies the file at `path` to all paths that do not have it yet.
    pub(super) async fn copy_to_all(&self, path: &Path, destinations: &[PathBuf]) -> io::Result<()> {
        for destination in destinations.iter().filter(|destination| *destination != path) {
            if !(destination.is_file() && self.is_right(destination).await) {
                copy(path.to_owned(), destination).await?;
            }
        }
        Ok(())
    }

    pub(super) async fn is_right(&self, path: &Path) -> bool {
        let (bytes, checksum) = (self.job.bytes, self.job.checksum);
        let options = self.downloader.options;
        let path = path.to_owned();
        let check = tokio::task::spawn_blocking(move || is_right(&path, bytes, checksum, options));
        matches!(check.await, Ok(Ok(true)))
    }
}

/// Whether a file exists. Errors: unknown, or a folder of this name exists, so that no file can be written.
fn is_file(path: &Path) -> io::Result<bool> {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Err(io::Error::new(ErrorKind::IsADirectory, "it is a folder")),
        Ok(metadata) => Ok(metadata.is_file()),
        // Missing, or a dangling link: it is replaced.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether the file at this path is right, according to the user's options. Errors: it cannot be read.
pub fn is_right(path: &Path, bytes: Option<u64>, checksum: Checksum, options: DownloadOptions) -> io::Result<bool> {
    if options.ignore_checksum {
        return Ok(true);
    }
    let size = std::fs::metadata(path)?.len();
    let wrong_size = bytes.is_some_and(|expected| expected != size);
    match (options.local_by_size, checksum) {
        (true, _) => Ok(bytes == Some(size)),
        _ if wrong_size => Ok(false),
        // Neither size nor checksum is known: the file cannot be verified, so it is downloaded again.
        (false, Checksum::Unknown) if bytes.is_none() => Ok(false),
        (false, Checksum::Unknown) => Ok(true),
        (false, expected) => Ok(expected.of_file(path)? == expected),
    }
}

/// Returns the absolute paths of the destinations, and creates their folders. Errors: a path cannot be written.
pub(super) fn prepare_destinations(folder: &TargetFolder, destinations: &[PathBuf]) -> io::Result<Vec<PathBuf>> {
    let destination = |path: &PathBuf| {
        if is_reserved(path) {
            let why = format!("cannot write {}: unfinished downloads have such names", path.display());
            return Err(io::Error::new(ErrorKind::InvalidFilename, why));
        }
        let named =
            |error: io::Error| io::Error::new(error.kind(), format!("cannot write {}: {error}", path.display()));
        folder.prepare_path(path).map_err(named)
    };
    destinations.iter().map(destination).collect()
}
