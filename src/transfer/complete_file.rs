//! A completely received file, before it gets its final name.

use std::io;
use std::path::PathBuf;

use super::checksum::Checksum;
use super::temporary::Temporary;

/// A file that is complete but still has its temporary name. Removed on drop.
#[derive(Debug)]
pub(super) struct Complete {
    file: Temporary,
    /// Checksum of its bytes.
    pub(super) checksum: Checksum,
    /// Whether its bytes came from several responses.
    pub(super) is_pieced: bool,
}

impl Complete {
    /// Wraps a file whose bytes are all written.
    pub(super) fn new(mut file: Temporary, checksum: Checksum, is_pieced: bool) -> Self {
        file.not_worth_keeping();
        Self { file, checksum, is_pieced }
    }

    /// Renames the file to its final name, replacing an existing file.
    pub(super) fn put(self) -> io::Result<PathBuf> {
        self.file.put()
    }
}
