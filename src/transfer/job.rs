//! A file to be downloaded: DID, size, checksum, sources and destinations.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::SetOnce;

use super::checksum::Checksum;
use crate::storage::Pfn;
use crate::types::Did;

/// Size in bytes from which a file counts as large: the network is its limit, so few are downloaded concurrently. The
/// limit of smaller files is the latency of the storage, so there are more of them.
pub(super) const LARGE: u64 = 8 * 1024 * 1024;

/// Number of a file to be transferred, different for every file of a process. Several jobs may have the same DID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct JobId(u32);

/// A file to be downloaded.
#[derive(Debug, Clone)]
pub struct FileJob {
    /// Its number.
    pub id: JobId,
    /// The file's DID.
    pub did: Did,
    /// Size in bytes, if in the catalogue.
    pub bytes: Option<u64>,
    /// Checksum, if in the catalogue.
    pub checksum: Checksum,
    /// Replicas, best first.
    pub sources: Vec<Source>,
    /// Paths relative to the target folder.
    pub destinations: Vec<PathBuf>,
    /// Indices of the requested DIDs that this file counts for.
    pub requests: Vec<usize>,
    /// One of the requested DIDs that contain this file; its `dataset` in traces.
    pub dataset: Did,
    /// The reason why this file cannot be written, if so.
    pub obstacle: Option<String>,
    /// Relation to other jobs for the same file.
    pub duplicate: Duplicate,
}

/// A replica of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// PFN of the replica, or of the archive that contains it.
    pub pfn: Pfn,
    /// Name of the RSE.
    pub rse: String,
    /// Name of the file inside the archive, if the PFN is one.
    pub member: Option<String>,
}

/// Relation between jobs for the same file, which may be requested by several collections. It is downloaded once and
/// copied.
#[derive(Debug, Clone, Default)]
pub enum Duplicate {
    /// The only job for this file.
    #[default]
    Unique,
    /// The first job: later ones wait for its result.
    First(Arc<SetOnce<Fetched>>),
    /// A later job: the first one downloads the file.
    Later(Arc<SetOnce<Fetched>>),
}

/// Result of the first of several jobs for the same file.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// Its outcome.
    pub outcome: DownloadOutcome,
    /// Path of the file, if it exists now.
    pub path: Option<PathBuf>,
}

/// Outcome of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DownloadOutcome {
    /// Downloaded.
    Done,
    /// Existed already.
    AlreadyDone,
    /// No replica exists.
    FileNotFound,
    /// No replica could be read, or the file could not be written.
    Failed,
}

impl JobId {
    /// Returns the next number.
    pub fn unique() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl FileJob {
    /// Creates a job of which only the DID is known.
    pub fn unknown(did: Did, request: usize) -> Self {
        Self {
            id: JobId::unique(),
            dataset: did.clone(),
            did,
            bytes: None,
            checksum: Checksum::Unknown,
            sources: Vec::new(),
            destinations: Vec::new(),
            requests: vec![request],
            obstacle: None,
            duplicate: Duplicate::Unique,
        }
    }
}

impl DownloadOutcome {
    /// Whether the file exists now.
    pub fn is_success(self) -> bool {
        matches!(self, Self::Done | Self::AlreadyDone)
    }

    /// Returns the `clientState` of traces.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "DONE",
            Self::AlreadyDone => "ALREADY_DONE",
            Self::FileNotFound => "FILE_NOT_FOUND",
            Self::Failed => "FAILED",
        }
    }
}
