//! The last step of a file on its way to the disk.

use std::io;
use std::path::PathBuf;

use super::checksum::Checksum;
use super::temporary::Temporary;

/// A file that is complete but not in its place yet. Dropped, it leaves nothing behind.
#[derive(Debug)]
pub(super) struct Complete {
    file: Temporary,
    /// The checksum of its bytes.
    pub(super) checksum: Checksum,
    /// Whether its bytes came in several pieces.
    pub(super) is_pieced: bool,
}

impl Complete {
    /// All bytes of this file are on the disk.
    pub(super) fn new(mut file: Temporary, checksum: Checksum, is_pieced: bool) -> Self {
        file.not_worth_keeping();
        Self { file, checksum, is_pieced }
    }

    /// Gives the file its name, in place of what may have been there.
    pub(super) fn put(self) -> io::Result<PathBuf> {
        self.file.put()
    }
}
