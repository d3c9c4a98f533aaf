//! One file to be downloaded: what it is, where it may come from, where it goes.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::SetOnce;

use super::checksum::Checksum;
use crate::types::Did;

/// A file of this size or more has a lane for itself: the network is the limit. Smaller ones share a lane: there the
/// answer time of the storage is.
pub(super) const LARGE: u64 = 8 * 1024 * 1024;
/// A file to be downloaded.
#[derive(Debug, Clone)]
pub struct FileJob {
    /// The file.
    pub did: Did,
    /// Its size, if the catalogue knows it.
    pub bytes: Option<u64>,
    /// Its checksum, if the catalogue knows one.
    pub checksum: Checksum,
    /// Where it may come from, the best first.
    pub sources: Vec<Source>,
    /// Where it goes, below the target folder.
    pub destinations: Vec<PathBuf>,
    /// The places among the requested DIDs that this file counts for.
    pub requests: Vec<usize>,
    /// One of the DIDs that were asked for and led to this file; traces name it as the dataset.
    pub dataset: Did,
    /// Why this file cannot be written, if it cannot.
    pub obstacle: Option<String>,
    /// How it relates to the same file asked for in another way.
    pub twin: Twin,
}

/// One replica of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its physical name.
    pub pfn: String,
    /// The RSE it lies on.
    pub rse: String,
    /// The name of the file inside the archive that lies there, if it is one.
    pub member: Option<String>,
}

/// A file may be asked for more than once, by several collections it lies in. It is fetched once and copied.
#[derive(Debug, Clone, Default)]
pub enum Twin {
    /// Nobody else wants this file.
    #[default]
    Alone,
    /// Others may want this file: they wait for this.
    First(Arc<SetOnce<Fetched>>),
    /// Another job fetches this file.
    Later(Arc<SetOnce<Fetched>>),
}

/// How the first of several twins ended.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// How it ended.
    pub outcome: Outcome,
    /// Where the file is now, if it is.
    pub path: Option<PathBuf>,
}

/// How a file ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It has been downloaded.
    Done,
    /// It was there already.
    AlreadyDone,
    /// No replica is known.
    FileNotFound,
    /// No replica could be had, or it could not be written.
    Failed,
}

impl FileJob {
    /// A file of which nothing is known but its name.
    pub fn unknown(did: Did, request: usize) -> Self {
        Self {
            dataset: did.clone(),
            did,
            bytes: None,
            checksum: Checksum::Unknown,
            sources: Vec::new(),
            destinations: Vec::new(),
            requests: vec![request],
            obstacle: None,
            twin: Twin::Alone,
        }
    }
}

impl Outcome {
    /// Whether the file is there now.
    pub fn is_success(self) -> bool {
        matches!(self, Self::Done | Self::AlreadyDone)
    }

    /// The word traces have for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "DONE",
            Self::AlreadyDone => "ALREADY_DONE",
            Self::FileNotFound => "FILE_NOT_FOUND",
            Self::Failed => "FAILED",
        }
    }
}
