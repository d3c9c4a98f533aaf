//! Progress reports for other programs: the events of `--output json`, and a row for each file in other formats.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use serde_json::Value;

use super::summary::Summary;
use crate::cli::ui::{Events, PACE, Shape, Ui, fields, named};
use crate::error::Result;
use crate::transfer::events::{FileEvent, RunEvent};
use crate::transfer::file_record::{Draft, Drafts, INTERRUPTED, seconds};
use crate::transfer::job::FileJob;
use crate::transfer::scheduler::Count;
use crate::types::Did;

const SHAPE: Shape = Shape::did(&[
    "scope", "name", "state", "rse", "pfn", "path", "copies", "bytes", "adler32", "md5", "seconds", "reason",
]);

/// Writes the events of a download for other programs.
pub(super) struct Told<'a> {
    events: Events<'a>,
    start: Instant,
    notes: Mutex<Notes>,
}

#[derive(Debug)]
struct Notes {
    drafts: Drafts,
    moving: HashMap<usize, Moving>,
    count: Count,
}

/// Progress of a file, or of the archive that contains it, and when it was last reported.
#[derive(Debug)]
struct Moving {
    bytes: u64,
    of: Option<u64>,
    told: Instant,
}

impl<'a> Told<'a> {
    /// Starts the events. `None` if the output format is for people.
    pub(super) fn begin(ui: &'a Ui, folder: &str) -> Option<Self> {
        let notes = Notes { drafts: Drafts::new(Path::new(folder)), moving: HashMap::new(), count: Count::default() };
        let events = Events::begin(ui, "download", SHAPE)?;
        Some(Self { events, start: Instant::now(), notes: Mutex::new(notes) })
    }

    /// Returns the writer, which notices when its reader is gone.
    pub(super) fn events(&self) -> &Events<'a> {
        &self.events
    }

    /// Reports an event of a file.
    pub(super) fn file(&self, job: &FileJob, event: &FileEvent<'_>) {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((draft, outcome)) = notes.drafts.note(job, event) {
            notes.moving.remove(&key(job));
            notes.count.add(outcome);
            return self.events.ended(outcome.is_success(), draft.into_record(outcome.as_str(), outcome.is_success()));
        }
        if let Some((event, bytes, of)) = notes.moved(job, event) {
            return self.tell(event, &job.did, [("transferred", bytes.into()), ("bytes", of.into())]);
        }
        let draft = notes.drafts.get(job);
        let rse = || draft.and_then(Draft::rse).into();
        match event {
            FileEvent::Started => {
                let path = draft.map_or(Value::Null, |draft| draft.path().clone());
                self.tell("start", &job.did, [("bytes", job.bytes.into()), ("path", path)]);
            }
            FileEvent::Waiting => self.tell("waiting", &job.did, []),
            FileEvent::Resumed(bytes) => {
                self.tell("resumed", &job.did, [("transferred", (*bytes).into()), ("bytes", job.bytes.into())]);
            }
            FileEvent::Using { pfn } => self.tell("source", &job.did, [("rse", rse()), ("pfn", (*pfn).into())]),
            FileEvent::FetchingArchive { pfn, bytes } => {
                self.tell("archive", &job.did, [("rse", rse()), ("pfn", (*pfn).into()), ("bytes", (*bytes).into())]);
            }
            FileEvent::CannotRead { reason, .. } | FileEvent::AttemptFailed { reason, .. } => {
                self.tell("attempt_failed", &job.did, [("rse", rse()), ("reason", (*reason).into())]);
            }
            _ => {}
        }
    }

    /// Reports an event of the whole download.
    pub(super) fn run(&self, event: &RunEvent<'_>) {
        let skipped = |did: &Did, reason: &str| self.tell("skipped", did, [("reason", reason.into())]);
        match event {
            RunEvent::Starting { files, bytes, .. } => {
                self.events.tell("expect", fields([("files", (*files).into()), ("bytes", (*bytes).into())]));
            }
            RunEvent::DidMissing(did) => skipped(did, "it has no files, or does not exist"),
            RunEvent::OnlyOnTape(did) => skipped(did, "it has replicas on tape only"),
            RunEvent::NothingFound(text) => {
                let reason = "nothing that exists is meant by it";
                self.events.tell("skipped", fields([("asked", (*text).into()), ("reason", reason.into())]));
            }
            RunEvent::Requested(_) | RunEvent::Choosing { .. } => {}
        }
    }

    /// Ends the events; `summary` is `None` if the download was not completed. Errors: an event could not be written.
    pub(super) fn finish(self, summary: Option<&Summary>) -> Result<()> {
        let mut notes = self.notes.into_inner().unwrap_or_else(PoisonError::into_inner);
        for draft in notes.drafts.take() {
            notes.count.files += 1;
            self.events.ended(false, draft.into_record(INTERRUPTED, false));
        }
        for record in summary.into_iter().flat_map(Summary::records) {
            self.events.tell("did", record);
        }
        let count = notes.count;
        self.events.tell(
            "summary",
            fields([
                ("total_files", count.files.into()),
                ("downloaded_files", count.done.into()),
                ("local_files", count.already_done.into()),
                ("not_downloaded_files", count.failed().into()),
                ("seconds", seconds(self.start).into()),
                ("complete", summary.is_some().into()),
            ]),
        );
        self.events.end()
    }

    fn tell<const N: usize>(&self, event: &str, did: &Did, more: [(&str, Value); N]) {
        self.events.tell(event, named(did, more));
    }
}

impl Notes {
    /// Updates the progress. Returns event, received bytes and size, at most every `PACE` for each file.
    fn moved(&mut self, job: &FileJob, event: &FileEvent<'_>) -> Option<(&'static str, u64, Option<u64>)> {
        let new = || Moving { bytes: 0, of: job.bytes, told: Instant::now() };
        let moving = self.moving.entry(key(job)).or_insert_with(new);
        let kind = match event {
            FileEvent::Received(_) => Some("progress"),
            FileEvent::ArchiveReceived(_) => Some("archive_progress"),
            _ => None,
        };
        match event {
            FileEvent::Received(bytes) | FileEvent::ArchiveReceived(bytes) => moving.bytes += bytes,
            FileEvent::Resumed(bytes) => moving.bytes = *bytes,
            FileEvent::FetchingArchive { bytes, .. } => (moving.bytes, moving.of) = (0, *bytes),
            FileEvent::Unpacking { .. } => (moving.bytes, moving.of) = (0, job.bytes),
            FileEvent::StartedOver => moving.bytes = 0,
            _ => {}
        }
        let kind = kind.filter(|_| moving.told.elapsed() >= PACE)?;
        moving.told = Instant::now();
        Some((kind, moving.bytes, moving.of))
    }
}

/// Returns the address of a job, which is stable while it is downloaded.
fn key(job: &FileJob) -> usize {
    std::ptr::from_ref(job).addr()
}
