//! Progress reports for other programs: the events of `--output json`, and a row for each file in other formats.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Instant;

use serde_json::Value;

use super::summary::Summary;
use crate::cli::ui::{Events, PROGRESS_INTERVAL, Shape, Ui, fields, named};
use crate::error::Result;
use crate::lock::{into_inner, lock};
use crate::secret::hide_in_urls;
use crate::transfer::events::{FileEvent, RunEvent};
use crate::transfer::file_record::{FileRecord, INTERRUPTED, seconds_since};
use crate::transfer::job::{DownloadOutcome, FileJob, JobId};
use crate::transfer::scheduler::Count;
use crate::types::Did;

const SHAPE: Shape = Shape::did(&[
    "scope", "name", "state", "rse", "pfn", "path", "copies", "bytes", "adler32", "md5", "seconds", "reason",
]);

/// Writes the events of a download for other programs.
pub(super) struct EventWriter<'a> {
    events: Events<'a>,
    start: Instant,
    states: Mutex<FileStates>,
}

#[derive(Debug, Default)]
struct FileStates {
    transfers: HashMap<JobId, TransferState>,
    count: Count,
}

/// Progress of a file, or of the archive that contains it, and when it was last reported.
#[derive(Debug)]
struct TransferState {
    bytes: u64,
    of: Option<u64>,
    last_reported: Instant,
}

impl<'a> EventWriter<'a> {
    /// Starts the events. `None` if the output format is for people.
    pub(super) fn begin(ui: &'a Ui) -> Option<Self> {
        let events = Events::begin(ui, "download", SHAPE)?;
        Some(Self { events, start: Instant::now(), states: Mutex::default() })
    }

    /// Returns the writer, which notices when its reader is gone.
    pub(super) fn events(&self) -> &Events<'a> {
        &self.events
    }

    /// Reports the end of a file.
    pub(super) fn file_ended(&self, job: &FileJob, record: &FileRecord, outcome: DownloadOutcome) {
        let mut states = lock(&self.states);
        states.transfers.remove(&job.id);
        states.count.add(outcome);
        let is_success = outcome.is_success();
        self.events.emit_result(is_success, record.to_record(outcome.as_str(), is_success));
    }

    /// Reports any other event of a file, whose record is `record`.
    pub(super) fn file(&self, job: &FileJob, record: Option<&FileRecord>, event: &FileEvent<'_>) {
        let mut states = lock(&self.states);
        if let Some((event, bytes, of)) = states.update_progress(job, event) {
            return self.emit(event, &job.did, [("transferred", bytes.into()), ("bytes", of.into())]);
        }
        let rse = || record.and_then(FileRecord::rse).into();
        match event {
            FileEvent::Started => {
                let path = record.map_or(Value::Null, |record| record.path().clone());
                self.emit("start", &job.did, [("bytes", job.bytes.into()), ("path", path)]);
            }
            FileEvent::Waiting => self.emit("waiting", &job.did, []),
            FileEvent::Resumed(bytes) => {
                self.emit("resumed", &job.did, [("transferred", (*bytes).into()), ("bytes", job.bytes.into())]);
            }
            FileEvent::Using { pfn } => {
                self.emit("source", &job.did, [("rse", rse()), ("pfn", hide_in_urls(pfn).into())])
            }
            FileEvent::FetchingArchive { pfn, bytes } => {
                self.emit(
                    "archive",
                    &job.did,
                    [("rse", rse()), ("pfn", hide_in_urls(pfn.as_str()).into()), ("bytes", (*bytes).into())],
                );
            }
            FileEvent::CannotRead { reason, .. } | FileEvent::AttemptFailed { reason, .. } => {
                self.emit("attempt_failed", &job.did, [("rse", rse()), ("reason", (*reason).into())]);
            }
            _ => {}
        }
    }

    /// Reports an event of the whole download.
    pub(super) fn run(&self, event: &RunEvent<'_>) {
        let skipped = |did: &Did, reason: &str| self.emit("skipped", did, [("reason", reason.into())]);
        match event {
            RunEvent::Starting { files, bytes, .. } => {
                self.events.emit("expect", fields([("files", (*files).into()), ("bytes", (*bytes).into())]));
            }
            RunEvent::DidMissing(did) => skipped(did, "it does not exist"),
            RunEvent::NoReplicas { did, .. } => skipped(did, "it has no files, or no replica matches"),
            RunEvent::OnlyOnTape(did) => skipped(did, "it has replicas on tape only"),
            RunEvent::WaitingForDisk { files, pause } => {
                let wait = pause.as_secs_f64().ceil().into();
                self.events.emit("waiting_for_disk", fields([("files", (*files).into()), ("seconds", wait)]));
            }
            RunEvent::NothingFound(text) => {
                let reason = "no DID matches";
                self.events.emit("skipped", fields([("asked", (*text).into()), ("reason", reason.into())]));
            }
            RunEvent::Requested(_) | RunEvent::Choosing { .. } => {}
        }
    }

    /// Reports the unfinished files and ends the events; `summary` is `None` if the download was not completed. Errors: an
    /// event could not be written.
    pub(super) fn finish(self, unfinished: &[FileRecord], summary: Option<&Summary>) -> Result<()> {
        let mut states = into_inner(self.states);
        for record in unfinished {
            states.count.files += 1;
            self.events.emit_result(false, record.to_record(INTERRUPTED, false));
        }
        for record in summary.into_iter().flat_map(Summary::records) {
            self.events.emit("did", record);
        }
        let count = states.count;
        self.events.emit(
            "summary",
            fields([
                ("total_files", count.files.into()),
                ("downloaded_files", count.done.into()),
                ("local_files", count.already_done.into()),
                ("not_downloaded_files", count.failed().into()),
                ("seconds", seconds_since(self.start).into()),
                ("complete", summary.is_some().into()),
            ]),
        );
        self.events.end()
    }

    fn emit<const N: usize>(&self, event: &str, did: &Did, more: [(&str, Value); N]) {
        self.events.emit(event, named(did, more));
    }
}

impl FileStates {
    /// Updates the progress. Returns event, received bytes and size, at most every `PROGRESS_INTERVAL` for each file.
    fn update_progress(&mut self, job: &FileJob, event: &FileEvent<'_>) -> Option<(&'static str, u64, Option<u64>)> {
        let new = || TransferState { bytes: 0, of: job.bytes, last_reported: Instant::now() };
        let transfers = self.transfers.entry(job.id).or_insert_with(new);
        let kind = match event {
            FileEvent::Received(_) => Some("progress"),
            FileEvent::ArchiveReceived(_) => Some("archive_progress"),
            _ => None,
        };
        match event {
            FileEvent::Received(bytes) | FileEvent::ArchiveReceived(bytes) => transfers.bytes += bytes,
            FileEvent::Resumed(bytes) => transfers.bytes = *bytes,
            FileEvent::FetchingArchive { bytes, .. } => (transfers.bytes, transfers.of) = (0, *bytes),
            FileEvent::Unpacking { .. } => (transfers.bytes, transfers.of) = (0, job.bytes),
            FileEvent::StartedOver => transfers.bytes = 0,
            _ => {}
        }
        let kind = kind?;
        if transfers.last_reported.elapsed() < PROGRESS_INTERVAL {
            return None;
        }
        transfers.last_reported = Instant::now();
        Some((kind, transfers.bytes, transfers.of))
    }
}
