//! A completely received file, before it gets its final name.

use std::io;
use std::path::PathBuf;

use super::temporary::TemporaryFile;
use crate::transfer::checksum::Checksum;

/// A file that is complete but still has its temporary name. Removed on drop.
#[derive(Debug)]
pub(crate) struct CompleteFile {
    file: TemporaryFile,
    /// Checksum of its bytes.
    pub(crate) checksum: Checksum,
    /// Whether its bytes came from several responses.
    pub(crate) has_several_responses: bool,
}

impl CompleteFile {
    /// Wraps a file whose bytes are all written.
    pub(crate) fn new(mut file: TemporaryFile, checksum: Checksum, has_several_responses: bool) -> Self {
        file.discard_on_drop();
        Self { file, checksum, has_several_responses }
    }

    /// Renames the file to its final name, replacing an existing file.
    pub(crate) fn persist(self) -> io::Result<PathBuf> {
        self.file.persist()
    }
}
