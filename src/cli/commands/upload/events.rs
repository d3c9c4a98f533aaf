//! What happens, for programs that watch: the events of `--output json`, and a row for each file in other formats.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use serde_json::Value;

use super::summary::{self, Count};
use crate::cli::interrupt::end_if_stuck;
use crate::cli::ui::{Events, PACE, Shape, Ui, fields, named};
use crate::error::Result;
use crate::transfer::draft::{INTERRUPTED, seconds};
use crate::transfer::upload::events::UploadEvent;
use crate::transfer::upload::folders::Made;
use crate::transfer::upload::local::Local;
use crate::types::Did;

const SHAPE: Shape = Shape::did(&[
    "scope", "name", "state", "rse", "pfn", "path", "bytes", "adler32", "md5", "guid", "seconds", "reason",
]);

/// Tells programs what happens.
pub(super) struct Told<'a> {
    events: Events<'a>,
    rse: String,
    start: Instant,
    notes: Mutex<Notes>,
}

#[derive(Debug, Default)]
struct Notes {
    /// By where the files are in memory, where they stay.
    under_way: HashMap<usize, Moving>,
    count: Count,
}

/// A file under way: since when, and when its progress was told.
#[derive(Debug)]
struct Moving {
    start: Instant,
    told: Instant,
}

impl<'a> Told<'a> {
    /// Begins; none where people read the output.
    pub(super) fn begin(ui: &'a Ui, rse: &str) -> Option<Self> {
        let events = Events::begin(ui, "upload", SHAPE)?;
        end_if_stuck();
        Some(Self { events, rse: rse.to_owned(), start: Instant::now(), notes: Mutex::default() })
    }

    /// What is written, to notice when nobody wants it any more.
    pub(super) fn events(&self) -> &Events<'a> {
        &self.events
    }

    /// These files are going to come.
    pub(super) fn expect(&self, files: u64, bytes: u64) {
        self.events.tell("expect", fields([("files", files.into()), ("bytes", bytes.into())]));
    }

    /// Something happened to a file.
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

    /// Something happened to a collection that is made of a folder.
    pub(super) fn made(&self, made: &Made<'_>) {
        match made {
            Made::Done { what, did } => self.collection(what, did, None),
            Made::Failed { what, did, error } => self.collection(what, did, Some(error.to_string())),
        }
    }

    /// The upload is over; `files` are all of them, and whether it came to its end. Errors: something could not be
    /// written.
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

    /// Whether the progress of this file is to be told again.
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
