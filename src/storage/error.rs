//! Errors of storage calls, with the kinds that decide about retries.

use std::time::Duration;

use crate::retry::Backoff;

/// Pause before a retry. Chosen: a quarter to half of a second, or what the storage asks for, up to 30 s.
const PAUSE: Backoff =
    Backoff { first: Duration::from_millis(500), factor: 1, max: Duration::from_secs(30), jitter: 0.5 };

/// Pause before a file that is being staged from tape is requested again, if the storage specifies none. Chosen: staging
/// takes minutes.
const STAGING_PAUSE: Duration = Duration::from_secs(30);

/// Kind of failure; decides whether a retry makes sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StorageErrorKind {
    /// The file does not exist.
    NotFound,
    /// A file of this name already exists.
    AlreadyExists,
    /// Access denied.
    Denied,
    /// This program does not support the protocol.
    Unsupported,
    /// Temporary failure: the storage is restarting or unreachable, or the connection broke.
    Transient,
    /// The storage is overloaded.
    Overloaded,
    /// The storage is copying the file from tape to disk: it is to be requested again later.
    Staging,
    /// The storage did not respond in time.
    TimedOut,
    /// Permanent failure, or an invalid response.
    Refused,
}

/// Error of a storage call.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct StorageError {
    /// Kind of failure.
    pub kind: StorageErrorKind,
    /// Message for the log and for traces.
    pub message: String,
    /// Value of `Retry-After`, if the storage sent it.
    pub retry_after: Option<Duration>,
    /// Whether the connection was refused, reset or closed before the response. Storages and firewalls do that to more
    /// connections than they accept.
    pub is_disconnect: bool,
}

impl StorageError {
    /// Creates an error of this kind.
    pub fn new(kind: StorageErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), retry_after: None, is_disconnect: false }
    }

    /// Creates an error for a protocol that cannot be read, with advice.
    pub(super) fn unsupported(scheme: &str) -> Self {
        let advice = match scheme {
            "srm" | "srm+https" | "gsiftp" | "storm" => {
                "fetch it with gfal-copy (package gfal2-util), or choose a WebDAV replica (protocol davs)"
            }
            "rclone" => "fetch it with rclone, or choose a replica with the protocol https",
            "s3" | "s3s" => "ask the site for signed URLs (the RSE attribute sign_url)",
            "magnet" => "fetch it with a BitTorrent program",
            _ => "choose another protocol or RSE",
        };
        Self::new(StorageErrorKind::Unsupported, format!("{scheme}:// cannot be read here: {advice}"))
    }

    /// Returns whether the call may be retried.
    pub fn is_retryable(&self) -> bool {
        use StorageErrorKind::{Overloaded, Staging, TimedOut, Transient};
        matches!(self.kind, Transient | Overloaded | Staging | TimedOut)
    }

    /// Returns the pause an overloaded storage asks for; `None` if it specifies none, or zero. For a file that is being
    /// staged there is always one.
    pub fn named_wait(&self) -> Option<Duration> {
        let wait = self.retry_after.filter(|wait| !wait.is_zero());
        match self.kind {
            StorageErrorKind::Overloaded => wait,
            StorageErrorKind::Staging => Some(wait.unwrap_or(STAGING_PAUSE)),
            _ => None,
        }
    }

    /// Returns the pause before a retry: `Retry-After` if given, at most 30 s, and up to a half more.
    pub fn pause(&self) -> Duration {
        PAUSE.pause_or(0, self.retry_after)
    }
}

impl From<std::io::Error> for StorageError {
    fn from(error: std::io::Error) -> Self {
        let kind = match error.kind() {
            std::io::ErrorKind::NotFound => StorageErrorKind::NotFound,
            std::io::ErrorKind::AlreadyExists => StorageErrorKind::AlreadyExists,
            std::io::ErrorKind::PermissionDenied => StorageErrorKind::Denied,
            std::io::ErrorKind::TimedOut | std::io::ErrorKind::Interrupted => StorageErrorKind::Transient,
            _ => StorageErrorKind::Refused,
        };
        Self::new(kind, error.to_string())
    }
}
