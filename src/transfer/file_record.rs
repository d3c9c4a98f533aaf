//! Collects a record of each file in progress from its events, for reports.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::checksum::Checksum;
use super::events::FileEvent;
use super::job::{DownloadOutcome, FileJob, JobId};
use super::partial_file::BUFFER;
use crate::secret::hide_in_urls;
use crate::types::Did;

/// State of a file in progress when the download ended.
pub const INTERRUPTED: &str = "INTERRUPTED";

/// The records of all files in progress.
#[derive(Debug)]
pub struct FileRecords {
    folder: PathBuf,
    files: HashMap<JobId, FileRecord>,
}

/// The record of one file.
#[derive(Debug)]
pub struct FileRecord {
    /// The file's DID.
    pub did: Did,
    /// The collection that was requested, or the file itself.
    pub dataset: Did,
    record: Value,
    start: Instant,
    source: Option<(String, String)>,
    reasons: Vec<String>,
    /// Bytes received by this run, in all attempts and in the current one.
    received: u64,
    received_in_attempt: u64,
    /// Bytes of the file that exist now, also from an earlier run.
    present: u64,
}

impl FileRecords {
    /// Creates an empty collection. `folder` is the target folder of the download.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), files: HashMap::new() }
    }

    /// Records an event. At the end of a file returns its record and outcome.
    pub fn observe(&mut self, job: &FileJob, event: &FileEvent<'_>) -> Option<(FileRecord, DownloadOutcome)> {
        if matches!(event, FileEvent::Started) {
            self.files.insert(job.id, FileRecord::new(job, &self.folder));
        }
        if let FileEvent::Ended(outcome) = event {
            return self.files.remove(&job.id).map(|record| (record, *outcome));
        }
        if let Some(record) = self.files.get_mut(&job.id) {
            record.apply(event);
        }
        None
    }

    /// Takes the records of unfinished files, for an early end of the download.
    pub fn take_unfinished(&mut self) -> Vec<FileRecord> {
        std::mem::take(&mut self.files).into_values().collect()
    }

    /// Returns the record of this file.
    pub fn get(&self, job: &FileJob) -> Option<&FileRecord> {
        self.files.get(&job.id)
    }
}

impl FileRecord {
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
        Self {
            did: job.did.clone(),
            dataset: job.dataset.clone(),
            record,
            start: Instant::now(),
            source: None,
            reasons: Vec::new(),
            received: 0,
            received_in_attempt: 0,
            present: 0,
        }
    }

    fn apply(&mut self, event: &FileEvent<'_>) {
        self.count_bytes(event);
        match event {
            FileEvent::Trying { rse, .. } => self.source = Some(((*rse).to_owned(), String::new())),
            FileEvent::Using { pfn } => self.set_pfn(pfn),
            FileEvent::CannotRead { pfn, reason } => {
                self.set_pfn(pfn);
                self.add_reason(reason);
            }
            FileEvent::AttemptFailed { reason, .. } => self.add_reason(reason),
            FileEvent::NoSource => self.reasons.push("no known replica".to_owned()),
            FileEvent::Obstacle(reason) => self.reasons.push((*reason).to_owned()),
            FileEvent::Failed(reason) if self.reasons.is_empty() => self.reasons.push((*reason).to_owned()),
            _ => {}
        }
    }

    fn count_bytes(&mut self, event: &FileEvent<'_>) {
        match event {
            FileEvent::Resumed(bytes) => self.present = *bytes,
            FileEvent::StartedOver => self.present = 0,
            FileEvent::Received(bytes) => {
                self.present += bytes;
                self.received += bytes;
                self.received_in_attempt += bytes;
            }
            FileEvent::Trying { .. }
            | FileEvent::Using { .. }
            | FileEvent::AttemptFailed { .. }
            | FileEvent::SentAway => {
                self.received_in_attempt = 0;
            }
            _ => {}
        }
    }

    /// Returns the number of bytes that this run has received.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Returns the number of bytes that the current attempt has received.
    pub fn received_in_attempt(&self) -> u64 {
        self.received_in_attempt
    }

    /// Returns the number of bytes that the next run can use: whole buffers, as only these are certainly on the disk, of a
    /// file that can be verified.
    pub fn resumable(&self) -> u64 {
        let is_verifiable = ["adler32", "md5"].iter().any(|kind| !self.record[*kind].is_null());
        if is_verifiable { self.present - self.present % BUFFER as u64 } else { 0 }
    }

    /// Returns the time since the file was started.
    pub fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// Returns why the file failed: a reason for each source.
    pub fn reasons(&self) -> String {
        self.reasons.join("; ")
    }

    fn set_pfn(&mut self, pfn: &str) {
        if let Some((_, known)) = &mut self.source {
            *known = hide_in_urls(pfn).into_owned();
        }
    }

    /// Adds a reason, once per source, although several attempts may fail for the same reason.
    fn add_reason(&mut self, reason: &str) {
        let reason = hide_in_urls(reason);
        let reason = match &self.source {
            Some((rse, _)) => format!("{rse}: {reason}"),
            None => reason.into_owned(),
        };
        if self.reasons.last() != Some(&reason) {
            self.reasons.push(reason);
        }
    }

    /// Returns the RSE that is being tried.
    pub fn rse(&self) -> Option<&str> {
        self.source.as_ref().map(|(rse, _)| rse.as_str())
    }

    /// Returns the path of the first destination.
    pub fn path(&self) -> &Value {
        &self.record["path"]
    }

    /// Returns the complete record with this state, and with the reasons unless it succeeded.
    pub fn to_record(&self, state: &str, success: bool) -> Value {
        let mut record = self.record.clone();
        let (rse, pfn) = self.source.clone().unzip();
        let reason = (!success && !self.reasons.is_empty()).then(|| self.reasons());
        record["state"] = state.into();
        record["rse"] = rse.into();
        record["pfn"] = pfn.into();
        record["seconds"] = seconds_since(self.start).into();
        record["reason"] = reason.into();
        record
    }
}

/// Returns the seconds since `start`, rounded to milliseconds.
pub fn seconds_since(start: Instant) -> f64 {
    (start.elapsed().as_secs_f64() * 1000.0).round() / 1000.0
}
