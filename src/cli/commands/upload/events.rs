//! Upload events for programs: a stream with `--output json`, one row per file in other machine formats.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Instant;

use serde_json::Value;

use super::summary::{self, Count};
use crate::cli::interrupt::exit_if_stuck;
use crate::cli::ui::{Events, PROGRESS_INTERVAL, Shape, Ui, fields, named};
use crate::error::Result;
use crate::lock::{into_inner, lock};
use crate::secret::hide_in_urls;
use crate::transfer::file_record::{INTERRUPTED, seconds_since};
use crate::transfer::job::JobId;
use crate::transfer::upload::events::UploadEvent;
use crate::transfer::upload::folders::CreationEvent;
use crate::transfer::upload::local::LocalFile;
use crate::types::Did;

const SHAPE: Shape = Shape::did(&[
    "scope", "name", "state", "rse", "pfn", "path", "bytes", "adler32", "md5", "guid", "seconds", "reason",
]);

/// Writes upload events for programs.
pub(super) struct EventWriter<'a> {
    events: Events<'a>,
    rse: String,
    start: Instant,
    states: Mutex<FileStates>,
}

#[derive(Debug, Default)]
struct FileStates {
    in_progress: HashMap<JobId, TransferState>,
    count: Count,
}

/// A file in progress: its start, and the time of its last progress event.
#[derive(Debug)]
struct TransferState {
    start: Instant,
    last_reported: Instant,
}

impl<'a> EventWriter<'a> {
    /// Begins the event stream. Returns `None` if the output is for people.
    pub(super) fn begin(ui: &'a Ui, rse: &str) -> Option<Self> {
        let events = Events::begin(ui, "upload", SHAPE)?;
        exit_if_stuck();
        Some(Self { events, rse: rse.to_owned(), start: Instant::now(), states: Mutex::default() })
    }

    /// Returns the output stream, to detect that its reader has closed it.
    pub(super) fn events(&self) -> &Events<'a> {
        &self.events
    }

    /// Reports the number and total size of the files to upload.
    pub(super) fn expect(&self, files: u64, bytes: u64) {
        self.events.emit("expect", fields([("files", files.into()), ("bytes", bytes.into())]));
    }

    /// Reports an event of a file.
    pub(super) fn file(&self, file: &LocalFile, event: &UploadEvent<'_>) {
        let emit = |event: &str, more: Vec<(&str, Value)>| {
            let mut all = named(&file.did, []);
            all.extend(more.into_iter().map(|(name, value)| (name.to_owned(), value)));
            self.events.emit(event, all);
        };
        match event {
            UploadEvent::Started => {
                self.states().in_progress.insert(file.id, TransferState::new());
                emit("start", vec![("bytes", file.bytes.into()), ("path", path(file))]);
            }
            UploadEvent::Trying { scheme, rse } => {
                emit("target", vec![("rse", (*rse).into()), ("protocol", (*scheme).into())]);
            }
            UploadEvent::Sent(bytes) if self.is_time(file) => {
                emit("progress", vec![("transferred", (*bytes).into()), ("bytes", file.bytes.into())]);
            }
            UploadEvent::AttemptFailed { reason } => {
                emit("attempt_failed", vec![("rse", self.rse.as_str().into()), ("reason", (*reason).into())]);
            }
            UploadEvent::Written { pfn } => emit("written", vec![("pfn", hide_in_urls(pfn).into())]),
            UploadEvent::Complete => emit("complete", Vec::new()),
            UploadEvent::Registered(_) => emit("registered", Vec::new()),
            UploadEvent::RuleMade(_) => emit("rule", Vec::new()),
            UploadEvent::DatasetMade(did) => self.collection("dataset", did, None),
            UploadEvent::Attached(dataset) => emit("attached", vec![("dataset", dataset.to_string().into())]),
            UploadEvent::Ended(outcome) => {
                let mut record = summary::record(file, outcome, &self.rse);
                let since = self.states().in_progress.remove(&file.id).map(|state| seconds_since(state.start));
                record["seconds"] = since.into();
                self.states().count.add(outcome);
                self.events.emit_result(summary::is_good(outcome), record);
            }
            _ => {}
        }
    }

    /// Reports a step in creating a collection from a directory.
    pub(super) fn created(&self, made: &CreationEvent<'_>) {
        match made {
            CreationEvent::Done { what, did } => self.collection(what, did, None),
            CreationEvent::Failed { what, did, error } => self.collection(what, did, Some(error.to_string())),
        }
    }

    /// Reports unfinished files and the summary. `files` are all files; `complete` is false if the upload was stopped
    /// early. Errors: an event could not be written.
    pub(super) fn finish(self, files: &[LocalFile], complete: bool) -> Result<()> {
        let mut states = into_inner(self.states);
        for file in files {
            if let Some(state) = states.in_progress.remove(&file.id) {
                states.count.files += 1;
                let mut record = summary::unfinished(file, INTERRUPTED, &self.rse);
                record["seconds"] = seconds_since(state.start).into();
                self.events.emit_result(false, record);
            }
        }
        let count = states.count;
        let numbers = [
            ("total_files", count.files.into()),
            ("uploaded_files", count.done.into()),
            ("remote_files", count.there.into()),
            ("not_uploaded_files", count.failed().into()),
            ("seconds", seconds_since(self.start).into()),
            ("complete", complete.into()),
        ];
        self.events.emit("summary", fields(numbers));
        self.events.end()
    }

    fn collection(&self, what: &str, did: &Did, reason: Option<String>) {
        self.events.emit("collection", named(did, [("what", what.into()), ("reason", reason.into())]));
    }

    /// Returns whether the next progress event of this file is due.
    fn is_time(&self, file: &LocalFile) -> bool {
        let mut states = self.states();
        let state = states.in_progress.entry(file.id).or_insert_with(TransferState::new);
        let is_time = state.last_reported.elapsed() >= PROGRESS_INTERVAL;
        if is_time {
            state.last_reported = Instant::now();
        }
        is_time
    }

    fn states(&self) -> std::sync::MutexGuard<'_, FileStates> {
        lock(&self.states)
    }
}

impl TransferState {
    fn new() -> Self {
        let now = Instant::now();
        Self { start: now, last_reported: now }
    }
}

fn path(file: &LocalFile) -> Value {
    file.path.to_string_lossy().into_owned().into()
}
