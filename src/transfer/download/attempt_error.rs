//! Reasons why an attempt failed.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::storage::{StorageError, StorageErrorKind};

/// The reason why an attempt failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum AttemptError {
    /// The storage returned an error.
    #[error("{0}")]
    Storage(#[from] StorageError),
    /// The storage returned different content; the bytes may have been corrupted in transit.
    #[error("Checksum validation failed: Local checksum: {found}, Rucio checksum: {expected}")]
    Content {
        /// The received value.
        found: String,
        /// The value in the catalogue.
        expected: String,
    },
    /// The size at the storage is not that of the catalogue.
    #[error("the storage has {found} bytes under this name, the catalogue has {expected}: {BAD_REPLICA}")]
    WrongSize {
        /// The size at the storage.
        found: u64,
        /// The size in the catalogue.
        expected: u64,
    },
    /// The storage did not announce a size, and sent more than that of the catalogue.
    #[error("the storage sends more than the {expected} bytes of the catalogue: {BAD_REPLICA}")]
    TooLong {
        /// The size in the catalogue.
        expected: u64,
    },
    /// The response ended early, without an error.
    #[error("the transfer broke off: {received} of {expected} bytes came")]
    Ended {
        /// Number of bytes received.
        received: u64,
        /// The size in the catalogue.
        expected: u64,
    },
    /// A web page came in place of the file.
    #[error(
        "{from} sent a web page in place of the file, perhaps to log in: it may not accept your certificate or token"
    )]
    WebPage {
        /// Scheme, host and port.
        from: String,
    },
    /// Bytes from several responses, perhaps from several sources, do not make the right file. A source may still
    /// return it in one response.
    #[error("what had come before does not fit what came now")]
    Inconsistent,
    /// The storage sent no byte of the rest of the file. It is asked for the whole file next, and what is present is kept.
    #[error("the storage sent nothing of the rest of the file")]
    NoRest,
    /// The file cannot be written.
    #[error("cannot write {}: {error}{}", destination.display(), size_limit(error))]
    Local {
        /// Path of the file.
        destination: PathBuf,
        /// The error.
        error: io::Error,
    },
}

/// What a wrong size means, and what to do.
const BAD_REPLICA: &str = "this replica is damaged or incomplete; report it to those who run the RSE";

/// Explains an error about the size of a file.
fn size_limit(error: &io::Error) -> &'static str {
    if error.kind() == io::ErrorKind::FileTooLarge {
        ", by the limit of the shell (ulimit -f) or of the file system"
    } else {
        ""
    }
}

impl AttemptError {
    /// Creates a [`AttemptError::Local`].
    pub(super) fn local(destination: &Path, error: io::Error) -> Self {
        Self::Local { destination: destination.to_owned(), error }
    }

    /// Replaces an error that is the consequence of a web page, sent by `from`.
    pub(super) fn or_web_page(self, from: Option<&str>) -> Self {
        match (from, self) {
            (Some(from), Self::WrongSize { .. } | Self::TooLong { .. } | Self::Ended { .. } | Self::Content { .. }) => {
                Self::WebPage { from: from.to_owned() }
            }
            (_, error) => error,
        }
    }

    /// Whether the received bytes are useless: they are wrong, or cannot be written.
    pub(super) fn spoils_bytes(&self) -> bool {
        matches!(self, Self::Content { .. } | Self::TooLong { .. } | Self::Inconsistent | Self::Local { .. })
    }

    /// Returns how long to wait before the same source is retried; `None` if that makes no sense.
    pub(super) fn pause(&self) -> Option<Duration> {
        match self {
            Self::Storage(error) if error.is_retryable() => Some(error.pause()),
            Self::Ended { .. } => Some(StorageError::new(StorageErrorKind::Transient, "").pause()),
            Self::Content { .. } | Self::Inconsistent | Self::NoRest => Some(Duration::ZERO),
            _ => None,
        }
    }

    /// Returns the `clientState` of traces.
    pub(super) fn state(&self) -> &'static str {
        match self {
            Self::Content { .. } | Self::WrongSize { .. } | Self::TooLong { .. } | Self::Inconsistent => {
                "FAIL_VALIDATE"
            }
            _ => "FAILED",
        }
    }
}
