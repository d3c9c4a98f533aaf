//! What is known of the files under way, put together from what happens to them: for whoever writes it down.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Value, json};

use super::checksum::Checksum;
use super::events::FileEvent;
use super::job::{FileJob, Outcome};
use crate::types::Did;

/// The files under way.
#[derive(Debug)]
pub struct Drafts {
    folder: PathBuf,
    /// By where their jobs are in memory, where they stay meanwhile.
    files: HashMap<usize, Draft>,
}

/// What is known of one file.
#[derive(Debug)]
pub struct Draft {
    /// The file.
    pub did: Did,
    /// The collection by which it was asked for, or itself.
    pub dataset: Did,
    record: Value,
    start: Instant,
    at: Option<(String, String)>,
    reasons: Vec<String>,
}

impl Drafts {
    /// None yet. `folder` is where the files of the download go.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), files: HashMap::new() }
    }

    /// Takes notice of what happened. At the end of a file gives what is known of it, and how it ended.
    pub fn note(&mut self, job: &FileJob, event: &FileEvent<'_>) -> Option<(Draft, Outcome)> {
        let key = std::ptr::from_ref(job).addr();
        if matches!(event, FileEvent::Started) {
            self.files.insert(key, Draft::new(job, &self.folder));
        }
        if let FileEvent::Ended(outcome) = event {
            return self.files.remove(&key).map(|draft| (draft, *outcome));
        }
        if let Some(draft) = self.files.get_mut(&key) {
            draft.note(event);
        }
        None
    }

    /// Those that have not ended, at an early end of the whole.
    pub fn take(&mut self) -> Vec<Draft> {
        std::mem::take(&mut self.files).into_values().collect()
    }

    /// What is known of this file.
    pub fn get(&self, job: &FileJob) -> Option<&Draft> {
        self.files.get(&std::ptr::from_ref(job).addr())
    }
}

impl Draft {
    fn new(job: &FileJob, folder: &Path) -> Self {
        let mut paths = job.destinations.iter().map(|path| folder.join(path).to_string_lossy().into_owned());
        let kind = |wanted: bool| wanted.then(|| job.checksum.to_string());
        let record = json!({
            "scope": job.did.scope,
            "name": job.did.name,
            "state": null,
            "rse": null,
            "pfn": null,
            "path": paths.next(),
            "copies": paths.collect::<Vec<_>>(),
            "bytes": job.bytes,
            "adler32": kind(matches!(job.checksum, Checksum::Adler32(_))),
            "md5": kind(matches!(job.checksum, Checksum::Md5(_))),
        });
        let (did, dataset) = (job.did.clone(), job.dataset.clone());
        Self { did, dataset, record, start: Instant::now(), at: None, reasons: Vec::new() }
    }

    fn note(&mut self, event: &FileEvent<'_>) {
        match event {
            FileEvent::Trying { rse, .. } => self.at = Some(((*rse).to_owned(), String::new())),
            FileEvent::Using { pfn } => self.used(pfn),
            FileEvent::CannotRead { pfn, reason } => {
                self.used(pfn);
                self.because(reason);
            }
            FileEvent::AttemptFailed { reason, .. } => self.because(reason),
            FileEvent::NoSource => self.reasons.push("no replica is known".to_owned()),
            FileEvent::Obstacle(reason) => self.reasons.push((*reason).to_owned()),
            _ => {}
        }
    }

    fn used(&mut self, pfn: &str) {
        if let Some((_, known)) = &mut self.at {
            pfn.clone_into(known);
        }
    }

    /// One reason for each source, though several attempts may fail for the same one.
    fn because(&mut self, reason: &str) {
        let reason = match &self.at {
            Some((rse, _)) => format!("{rse}: {reason}"),
            None => reason.to_owned(),
        };
        if self.reasons.last() != Some(&reason) {
            self.reasons.push(reason);
        }
    }

    /// The RSE whose turn it is.
    pub fn rse(&self) -> Option<&str> {
        self.at.as_ref().map(|(rse, _)| rse.as_str())
    }

    /// Where it goes first.
    pub fn path(&self) -> &Value {
        &self.record["path"]
    }

    /// All of it, with the word for how it ended, and the reasons unless that was well.
    pub fn into_record(self, state: &str, success: bool) -> Value {
        let mut record = self.record;
        let (rse, pfn) = self.at.unzip();
        let reason = (!success && !self.reasons.is_empty()).then(|| self.reasons.join("; "));
        record["state"] = state.into();
        record["rse"] = rse.into();
        record["pfn"] = pfn.into();
        record["seconds"] = seconds(self.start).into();
        record["reason"] = reason.into();
        record
    }
}

/// The state of a file that was under way when all ended.
pub const INTERRUPTED: &str = "INTERRUPTED";

/// Since then, to the millisecond.
pub fn seconds(start: Instant) -> f64 {
    (start.elapsed().as_secs_f64() * 1000.0).round() / 1000.0
}
