//! What a storage answers when it does not give what was asked for.

use std::time::Duration;

/// How long to wait where the storage does not say.
const PAUSE: Duration = Duration::from_millis(500);
/// The longest that a storage may make us wait by asking for it.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What sort of failure it was; it decides whether trying again makes sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// There is no such file.
    NotFound,
    /// There is a file of this name already.
    AlreadyExists,
    /// We may not read it.
    Denied,
    /// This program does not speak the protocol.
    Unsupported,
    /// The storage is restarting or out of reach, or the connection broke; it may work the next time.
    Transient,
    /// The storage has too much to do at the moment.
    Overloaded,
    /// The storage was silent for too long.
    TimedOut,
    /// The storage refused for a reason that will stand, or answered nonsense.
    Refused,
}

/// Why a storage call failed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct StorageError {
    /// What sort of failure it was.
    pub kind: Kind,
    /// What happened, for the log and for traces.
    pub message: String,
    /// How long the storage asks us to stay away.
    pub retry_after: Option<Duration>,
}

impl StorageError {
    /// A failure of this kind.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), retry_after: None }
    }

    /// A protocol we do not speak, with what to do about it.
    pub(super) fn unsupported(scheme: &str) -> Self {
        let advice = match scheme {
            "root" | "xroot" => "install xrdcp (Debian: xrootd-client), or ask for a WebDAV replica: --protocol davs",
            "srm" | "srm+https" | "gsiftp" | "storm" => {
                "fetch it with gfal-copy (package gfal2-util), or ask for a WebDAV replica: --protocol davs"
            }
            "rclone" => "fetch it with rclone, or ask for a replica of another protocol: --protocol https",
            "s3" | "s3s" => "ask the site for signed URLs (the RSE attribute sign_url)",
            "magnet" => "fetch it with a BitTorrent program",
            _ => "ask for another replica: --protocol or --rses",
        };
        Self::new(Kind::Unsupported, format!("{scheme}:// cannot be read here: {advice}"))
    }

    /// Whether the same call may succeed the next time.
    pub fn may_pass(&self) -> bool {
        matches!(self.kind, Kind::Transient | Kind::Overloaded | Kind::TimedOut)
    }

    /// How long a busy storage asks to be left alone; none if it names no time, or one that is over.
    pub fn named_wait(&self) -> Option<Duration> {
        self.retry_after.filter(|wait| self.kind == Kind::Overloaded && !wait.is_zero())
    }

    /// How long to stay away before the next call: as long as the storage asks for, within reason.
    pub fn pause(&self) -> Duration {
        self.retry_after.unwrap_or(PAUSE).min(LONGEST_PAUSE)
    }
}

impl From<std::io::Error> for StorageError {
    fn from(error: std::io::Error) -> Self {
        let kind = match error.kind() {
            std::io::ErrorKind::NotFound => Kind::NotFound,
            std::io::ErrorKind::AlreadyExists => Kind::AlreadyExists,
            std::io::ErrorKind::PermissionDenied => Kind::Denied,
            std::io::ErrorKind::TimedOut | std::io::ErrorKind::Interrupted => Kind::Transient,
            _ => Kind::Refused,
        };
        Self::new(kind, error.to_string())
    }
}
