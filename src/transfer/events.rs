//! What happens during a download, for whoever draws bars or writes a log.

use std::time::Duration;

use super::checksum::Checksum;
use super::job::{FileJob, Outcome};
use crate::types::Did;

/// What happens to one file.
#[derive(Debug, Clone, Copy)]
pub enum FileEvent<'a> {
    /// Its turn has come.
    Started,
    /// It is there already.
    AlreadyThere,
    /// A file with its name is there, but is another one.
    Differs {
        /// Whether only the sizes were compared.
        by_size: bool,
    },
    /// Another process is downloading it to the same place.
    Waiting,
    /// So many bytes of it have been left by an earlier download.
    Resumed(u64),
    /// No replica is known.
    NoSource,
    /// It cannot be written.
    Obstacle(&'a str),
    /// A source's turn has come.
    Trying {
        /// Its protocol.
        scheme: &'a str,
        /// Its RSE.
        rse: &'a str,
        /// Seconds it may take; none if it may take for ever.
        timeout: Option<u64>,
    },
    /// The source cannot be read at all.
    CannotRead {
        /// Its physical name.
        pfn: &'a str,
        /// Why, and what to do.
        reason: &'a str,
    },
    /// The source is asked.
    Using {
        /// Its physical name.
        pfn: &'a str,
    },
    /// The archive that holds the file is fetched; what comes of it does not count as received.
    FetchingArchive {
        /// Its physical name.
        pfn: &'a str,
        /// Its size, if the storage tells.
        bytes: Option<u64>,
    },
    /// So many bytes more of the archive are here.
    ArchiveReceived(u64),
    /// The file is taken out of the archive, which is here.
    Unpacking {
        /// The archive's name.
        archive: &'a str,
    },
    /// So many bytes more are here.
    Received(u64),
    /// The bytes that were here do not count any more.
    StartedOver,
    /// The file is not the one the catalogue knows.
    WrongContent {
        /// What came.
        found: &'a str,
        /// What the catalogue knows.
        expected: &'a str,
    },
    /// The storage has too much to do; the file waits for its turn.
    SentAway,
    /// A storage is busy and says when to come back: this file and others wait for it.
    StorageBusy {
        /// Its host and port.
        host: &'a str,
        /// How long it asks to be left alone.
        wait: Duration,
    },
    /// An attempt failed.
    AttemptFailed {
        /// Which one.
        attempt: u32,
        /// Out of how many.
        of: u32,
        /// Why.
        reason: &'a str,
    },
    /// The catalogue knows no checksum: only the size was compared.
    Unverified,
    /// All sources failed, for these reasons.
    Failed(&'a str),
    /// It has been downloaded.
    Done {
        /// How long the transfer took.
        time: Duration,
        /// What was verified.
        checksum: Checksum,
    },
    /// This is how it ended, whatever was told before; nothing more happens to it.
    Ended(Outcome),
}

/// What happens to a download as a whole.
#[derive(Debug)]
pub enum RunEvent<'a> {
    /// Requests are going to be looked up.
    Requested(usize),
    /// A request led to no DID.
    NothingFound(&'a str),
    /// Files are going to be chosen by chance.
    Choosing {
        /// How many.
        number: u64,
        /// Among these.
        dids: &'a [&'a Did],
    },
    /// A DID that was asked for has no files, or does not exist.
    DidMissing(&'a Did),
    /// A file has replicas, but only on tape.
    OnlyOnTape(&'a Did),
    /// The download starts.
    Starting {
        /// How many files are expected, if that is known by now.
        files: Option<u64>,
        /// How many bytes, as far as it is known.
        bytes: u64,
        /// How many large files are fetched at a time.
        lanes: usize,
    },
}

/// Whoever wants to know what happens. It is called from the tasks that work, so it must be quick.
pub trait Observer: Send + Sync {
    /// Something happened to a file, in one of the lanes.
    fn file(&self, lane: usize, job: &FileJob, event: FileEvent<'_>);
    /// Something happened to the whole.
    fn run(&self, event: RunEvent<'_>);
}
