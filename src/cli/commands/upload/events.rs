//! Upload events for programs: a stream with `--output json`, one row per file in other machine formats.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use serde_json::Value;

use super::summary::{self, Count};
use crate::cli::interrupt::end_if_stuck;
use crate::cli::ui::{Events, PACE, Shape, Ui, fields, named};
use crate::error::Result;
use crate::transfer::file_record::{INTERRUPTED, seconds};
use crate::transfer::upload::events::UploadEvent;
use crate::transfer::upload::folders::Made;
use crate::transfer::upload::local::Local;
use crate::types::Did;

const SHAPE: Shape = Shape::did(&[
    "scope", "name", "state", "rse", "pfn", "path", "bytes", "adler32", "md5", "guid", "seconds", "reason",
]);

/// Writes upload events for programs.
pub(super) struct Told<'a> {
    events: Events<'a>,
    rse: String,
    start: Instant,
    notes: Mutex<Notes>,
}

#[derive(Debug, Default)]
struct Notes {
    /// Files in progress, keyed by their address in memory, which does not change.
    under_way: HashMap<usize, Moving>,
    count: Count,
}

/// A file in progress: its start, and the time of its last progress event.
#[derive(Debug)]
struct Moving {
    start: Instant,
    told: Instant,
}

impl<'a> Told<'a> {
    /// Begins the event stream. Returns `None` if the output is for people.
    pub(super) fn begin(ui: &'a Ui, rse: &str) -> Option<Self> {
        let events = Events::begin(ui, "upload", SHAPE)?;
        end_if_stuck();
        Some(Self { events, rse: rse.to_owned(), start: Instant::now(), notes: Mutex::default() })
    }

    /// Returns the output stream, to detect that its reader has closed it.
    pub(super) fn events(&self) -> &Events<'a> {
        &self.events
    }

    /// Reports the number and total size of the files to upload.
    pub(super) fn expect(&self, files: u64, bytes: u64) {
        self.events.tell("expect", fields([("files", files.into()), ("bytes", bytes.into())]));
    }

    /// Reports an event of a file.
    pub(super) fn file(&self, file: &Local, event: &UploadEvent<'_>) {
        let tell = |event: &str, more: Vec<(&str, Value)>| {
            let mut all = named(&file.did, []);
            all.extend(more.into_iter().map(|(name, value)| (name.to_owned(), value)));
            self.events.tell(event, all);
        };
        match event {
            UploadEvent::Started => {
                self.notes().under_way.insert(key(file), Moving::new());
                tell("start", vec![("bytes", file.bytes.into()), ("path", path(file))]);
            }
            UploadEvent::Trying { scheme, rse } => {
                tell("target", vec![("rse", (*rse).into()), ("protocol", (*scheme).into())]);
            }
            UploadEvent::Sent(bytes) if self.is_time(file) => {
                tell("progress", vec![("transferred", (*bytes).into()), ("bytes", file.bytes.into())]);
            }
            UploadEvent::AttemptFailed { reason } => {
                tell("attempt_failed", vec![("rse", self.rse.as_str().into()), ("reason", (*reason).into())]);
            }
            UploadEvent::Written { pfn } => tell("written", vec![("pfn", (*pfn).into())]),
            UploadEvent::Complete => tell("complete", Vec::new()),
            UploadEvent::Registered => tell("registered", Vec::new()),
            UploadEvent::RuleMade => tell("rule", Vec::new()),
            UploadEvent::DatasetMade(did) => self.collection("dataset", did, None),
            UploadEvent::Attached(dataset) => tell("attached", vec![("dataset", dataset.to_string().into())]),
            UploadEvent::Ended(outcome) => {
                let mut record = summary::record(file, outcome, &self.rse);
                let since = self.notes().under_way.remove(&key(file)).map(|moving| seconds(moving.start));
                record["seconds"] = since.into();
                self.notes().count.add(outcome);
                self.events.ended(summary::is_good(outcome), record);
            }
            _ => {}
        }
    }

    /// Reports a step in creating a collection from a directory.
    pub(super) fn made(&self, made: &Made<'_>) {
        match made {
            Made::Done { what, did } => self.collection(what, did, None),
            Made::Failed { what, did, error } => self.collection(what, did, Some(error.to_string())),
        }
    }

    /// Reports unfinished files and the summary. `files` are all files; `complete` is false if the upload was stopped
    /// early. Errors: an event could not be written.
    pub(super) fn finish(self, files: &[Local], complete: bool) -> Result<()> {
        let mut notes = self.notes.into_inner().unwrap_or_else(PoisonError::into_inner);
        for file in files {
            if let Some(moving) = notes.under_way.remove(&key(file)) {
                notes.count.files += 1;
                let mut record = summary::unfinished(file, INTERRUPTED, &self.rse);
                record["seconds"] = seconds(moving.start).into();
                self.events.ended(false, record);
            }
        }
        let count = notes.count;
        let numbers = [
            ("total_files", count.files.into()),
            ("uploaded_files", count.done.into()),
            ("remote_files", count.there.into()),
            ("not_uploaded_files", count.failed().into()),
            ("seconds", seconds(self.start).into()),
            ("complete", complete.into()),
        ];
        self.events.tell("summary", fields(numbers));
        self.events.end()
    }

    fn collection(&self, what: &str, did: &Did, reason: Option<String>) {
        self.events.tell("collection", named(did, [("what", what.into()), ("reason", reason.into())]));
    }

    /// Returns whether the next progress event of this file is due.
    fn is_time(&self, file: &Local) -> bool {
        let mut notes = self.notes();
        let moving = notes.under_way.entry(key(file)).or_insert_with(Moving::new);
        let is_time = moving.told.elapsed() >= PACE;
        if is_time {
            moving.told = Instant::now();
        }
        is_time
    }

    fn notes(&self) -> std::sync::MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Moving {
    fn new() -> Self {
        let now = Instant::now();
        Self { start: now, told: now }
    }
}

fn key(file: &Local) -> usize {
    std::ptr::from_ref(file).addr()
}

fn path(file: &Local) -> Value {
    file.path.to_string_lossy().into_owned().into()
}
