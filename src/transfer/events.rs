//! Events of a download, for progress bars and logs.

use std::time::Duration;

use super::checksum::Checksum;
use super::job::{DownloadOutcome, FileJob};
use crate::storage::Pfn;
use crate::types::Did;

/// An event of one file.
#[derive(Debug, Clone, Copy)]
pub enum FileEvent<'a> {
    /// Its job was started.
    Started,
    /// It exists already and is right.
    AlreadyThere,
    /// A different file of this name exists.
    Differs {
        /// Whether only the sizes were compared.
        by_size: bool,
    },
    /// Another process is downloading it to the same path.
    Waiting,
    /// An earlier download is resumed, of which this many bytes exist.
    Resumed(u64),
    /// No replica is known.
    NoSource,
    /// It cannot be written, for this reason.
    Obstacle(&'a str),
    /// A source is about to be tried.
    Trying {
        /// URL scheme.
        scheme: &'a str,
        /// RSE of the source.
        rse: &'a str,
        /// Timeout in seconds; `None` if unlimited.
        timeout: Option<u64>,
    },
    /// The source cannot be read at all.
    CannotRead {
        /// PFN of the source.
        pfn: &'a str,
        /// The reason, and what to do.
        reason: &'a str,
    },
    /// A request is sent to the source.
    Using {
        /// PFN of the source.
        pfn: &'a str,
    },
    /// The archive that holds the file is being downloaded; its bytes do not count as received.
    FetchingArchive {
        /// PFN of the archive.
        pfn: &'a Pfn,
        /// Its size in bytes, if the storage reports it.
        bytes: Option<u64>,
    },
    /// This many more bytes of the archive were received.
    ArchiveReceived(u64),
    /// The file is being extracted from the downloaded archive.
    Unpacking {
        /// Name of the archive.
        archive: &'a str,
    },
    /// This many more bytes were received.
    Received(u64),
    /// The bytes received so far were discarded.
    StartedOver,
    /// Size or checksum differ from the catalogue.
    WrongContent {
        /// The received value.
        found: &'a str,
        /// The value in the catalogue.
        expected: &'a str,
    },
    /// The storage is overloaded; the file waits for its turn.
    SentAway,
    /// A storage is busy and requested a wait, which applies to this file and others.
    StorageBusy {
        /// Host and port.
        host: &'a str,
        /// The requested wait.
        wait: Duration,
    },
    /// The storage copies the file from tape to disk; it is requested again after this wait.
    Staging {
        /// RSE of the source.
        rse: &'a str,
        /// The wait.
        wait: Duration,
    },
    /// An attempt failed.
    AttemptFailed {
        /// Number of the attempt, from 1.
        attempt: u32,
        /// Maximum number of attempts.
        of: u32,
        /// The reason.
        reason: &'a str,
    },
    /// The catalogue has no checksum: only the size was compared.
    Unverified,
    /// All sources failed, for these reasons.
    Failed(&'a str),
    /// The download is complete.
    Done {
        /// Duration of the transfer.
        time: Duration,
        /// The verified checksum.
        checksum: Checksum,
    },
    /// The final outcome, independent of earlier events; the last event of a file.
    Ended(DownloadOutcome),
}

/// An event of the download as a whole.
#[derive(Debug)]
pub enum RunEvent<'a> {
    /// This many requests are about to be resolved.
    Requested(usize),
    /// A request matches no DID.
    NothingFound(&'a str),
    /// Files are about to be chosen at random.
    Choosing {
        /// Number of files.
        number: u64,
        /// DIDs to choose from.
        dids: &'a [&'a Did],
    },
    /// A requested DID does not exist.
    DidMissing(&'a Did),
    /// A requested DID exists, but no replica of a file was listed.
    NoReplicas {
        /// The DID.
        did: &'a Did,
        /// The RSE expression of the sources, if there is one.
        rse_expression: Option<&'a str>,
    },
    /// The only replicas of a file are on tape.
    OnlyOnTape(&'a Did),
    /// Files have no replica on disk; their replicas are listed again after this pause.
    WaitingForDisk {
        /// Number of files.
        files: usize,
        /// The pause.
        pause: Duration,
    },
    /// The download starts.
    Starting {
        /// Expected number of files, if known by now.
        files: Option<u64>,
        /// Expected number of bytes, as far as known.
        bytes: u64,
        /// Number of large files downloaded concurrently.
        slots: usize,
    },
}

/// Receiver of events. It is called from the transfer tasks, so it must return quickly.
pub trait DownloadObserver: Send + Sync {
    /// Handles an event of a file, which has this slot (number of the concurrent transfer).
    fn file(&self, slot: usize, job: &FileJob, event: FileEvent<'_>);
    /// Handles an event of the download.
    fn run(&self, event: RunEvent<'_>);
}
