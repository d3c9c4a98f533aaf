//! Reasons why an attempt failed.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::storage::StorageError;

/// The reason why an attempt failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The storage returned an error.
    #[error("{0}")]
    Storage(#[from] StorageError),
    /// The storage returned different content.
    #[error("Checksum validation failed: Local checksum: {found}, Rucio checksum: {expected}")]
    Content {
        /// The received value.
        found: String,
        /// The value in the catalogue.
        expected: String,
        /// Whether the bytes may have been corrupted in transit.
        may_pass: bool,
    },
    /// Bytes from several responses, perhaps from several sources, do not make the right file. A source may still
    /// return it in one response.
    #[error("what had come before does not fit what came now")]
    Parts,
    /// The file cannot be written.
    #[error("cannot write {}: {error}", place.display())]
    Local {
        /// Path of the file.
        place: PathBuf,
        /// The error.
        error: io::Error,
    },
}

impl Failure {
    /// Creates a [`Failure::Local`].
    pub(super) fn local(place: &Path, error: io::Error) -> Self {
        Self::Local { place: place.to_owned(), error }
    }

    /// Returns how long to wait before the same source is retried; `None` if that makes no sense.
    pub(super) fn pause(&self) -> Option<Duration> {
        match self {
            Self::Storage(error) if error.may_pass() => Some(error.pause()),
            Self::Content { may_pass: true, .. } | Self::Parts => Some(Duration::ZERO),
            _ => None,
        }
    }

    /// Returns the `clientState` of traces.
    pub(super) fn state(&self) -> &'static str {
        match self {
            Self::Content { .. } | Self::Parts => "FAIL_VALIDATE",
            _ => "FAILED",
        }
    }
}
