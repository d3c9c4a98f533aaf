//! Reasons why an attempt failed.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::storage::StorageError;

/// The reason why an attempt failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum AttemptError {
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
        is_retryable: bool,
    },
    /// Bytes from several responses, perhaps from several sources, do not make the right file. A source may still
    /// return it in one response.
    #[error("what had come before does not fit what came now")]
    Inconsistent,
    /// The storage sent no byte of the rest of the file. It is asked for the whole file next, and what is present is kept.
    #[error("the storage sent nothing of the rest of the file")]
    NoRest,
    /// The file cannot be written.
    #[error("cannot write {}: {error}", destination.display())]
    Local {
        /// Path of the file.
        destination: PathBuf,
        /// The error.
        error: io::Error,
    },
}

impl AttemptError {
    /// Creates a [`AttemptError::Local`].
    pub(super) fn local(destination: &Path, error: io::Error) -> Self {
        Self::Local { destination: destination.to_owned(), error }
    }

    /// Returns how long to wait before the same source is retried; `None` if that makes no sense.
    pub(super) fn pause(&self) -> Option<Duration> {
        match self {
            Self::Storage(error) if error.is_retryable() => Some(error.pause()),
            Self::Content { is_retryable: true, .. } | Self::Inconsistent | Self::NoRest => Some(Duration::ZERO),
            _ => None,
        }
    }

    /// Returns the `clientState` of traces.
    pub(super) fn state(&self) -> &'static str {
        match self {
            Self::Content { .. } | Self::Inconsistent => "FAIL_VALIDATE",
            _ => "FAILED",
        }
    }
}
