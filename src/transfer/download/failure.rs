//! Why an attempt failed.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::storage::StorageError;

/// Why an attempt failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The storage did not give the file.
    #[error("{0}")]
    Storage(#[from] StorageError),
    /// The storage gave another file.
    #[error("Checksum validation failed: Local checksum: {found}, Rucio checksum: {expected}")]
    Content {
        /// What came.
        found: String,
        /// What the catalogue knows.
        expected: String,
        /// Whether the bytes may have changed on their way.
        may_pass: bool,
    },
    /// Bytes that came one after the other, perhaps from several sources, are not those of one right file. A source that
    /// is asked for the whole may still give it.
    #[error("what had come before does not fit what came now")]
    Parts,
    /// The file cannot be written.
    #[error("cannot write {}: {error}", place.display())]
    Local {
        /// Where it should be.
        place: PathBuf,
        /// Why it cannot.
        error: io::Error,
    },
}

impl Failure {
    /// The file that is going to be here cannot be written.
    pub(super) fn local(place: &Path, error: io::Error) -> Self {
        Self::Local { place: place.to_owned(), error }
    }

    /// How long to wait before the same source is tried again, if that makes sense.
    pub(super) fn pause(&self) -> Option<Duration> {
        match self {
            Self::Storage(error) if error.may_pass() => Some(error.pause()),
            Self::Content { may_pass: true, .. } | Self::Parts => Some(Duration::ZERO),
            _ => None,
        }
    }

    /// The word traces have for it.
    pub(super) fn state(&self) -> &'static str {
        match self {
            Self::Content { .. } | Self::Parts => "FAIL_VALIDATE",
            _ => "FAILED",
        }
    }
}
