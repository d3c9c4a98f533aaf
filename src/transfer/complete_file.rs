//! A completely received file, before it gets its final name.

use std::io;
use std::path::PathBuf;

use super::checksum::Checksum;
use super::temporary::TemporaryFile;

/// A file that is complete but still has its temporary name. Removed on drop.
#[derive(Debug)]
pub(super) struct CompleteFile {
    file: TemporaryFile,
    /// Checksum of its bytes.
    pub(super) checksum: Checksum,
    /// Whether its bytes came from several responses.
    pub(super) has_several_responses: bool,
}

impl CompleteFile {
    /// Wraps a file whose bytes are all written.
    pub(super) fn new(mut file: TemporaryFile, checksum: Checksum, has_several_responses: bool) -> Self {
        file.discard_on_drop();
        Self { file, checksum, has_several_responses }
    }

    /// Renames the file to its final name, replacing an existing file.
    pub(super) fn persist(self) -> io::Result<PathBuf> {
        self.file.persist()
    }
}
