//! What is found of a partial file: a file of an earlier process, or one that another process is writing.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

/// The partial file for a destination: as a locked file, or as the bytes that can be resumed.
#[derive(Debug)]
pub(crate) enum Leftover<T> {
    /// No usable file.
    None,
    /// Another process is writing it, with this progress.
    Busy(Progress),
    /// A file of an earlier process, now locked by this one.
    Resumable(T),
}

/// Progress of another process with a file, by size and modification time: if it differs from the last one, the process
/// is making progress. A file with missing ranges does not become longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Progress {
    bytes: u64,
    modified: (i64, i64),
}

impl Progress {
    pub(super) fn from_metadata(metadata: &Metadata) -> Self {
        Self { bytes: metadata.len(), modified: (metadata.mtime(), metadata.mtime_nsec()) }
    }
}
