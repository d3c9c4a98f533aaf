//! The upload of one file: its state, events, trace and outcome. Its steps are in [`super::steps`].

use std::time::SystemTime;

use tokio::sync::Mutex;

use super::events::UploadEvent;
use super::local::{LocalFile, Measured};
use super::{UploadOutcome, Uploaded, Uploader};
use crate::error::Error;
use crate::transfer::clock;
use crate::transfer::limits::wait_budget::WaitBudget;
use crate::transfer::trace::Trace;
use crate::types::Did;

/// Message for a file that was modified during the upload.
pub(super) const CHANGED: &str = "the file changed while it was uploaded";

/// Why the upload of a file failed.
pub(super) enum UploadError {
    /// Rejection by catalogue or storage; decides the exit code.
    Refused(Error),
    /// Failure of this file only.
    File(String),
    /// The local file changed after it was measured and registered.
    Changed,
}

impl From<Error> for UploadError {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

/// The upload of one file.
pub(super) struct FileUpload<'a> {
    pub(super) uploader: &'a Uploader<'a>,
    pub(super) file: &'a LocalFile,
    /// Remaining waits for busy storages.
    pub(super) waits: Mutex<WaitBudget>,
}

impl FileUpload<'_> {
    pub(super) fn emit(&self, event: UploadEvent<'_>) {
        self.uploader.observer.file(self.file, event);
    }

    pub(super) fn failed(&self, failure: UploadError, uploaded: Option<Uploaded>) -> UploadOutcome {
        let reason = reason(&failure);
        self.emit(UploadEvent::Failed { reason: &reason });
        let error = match failure {
            UploadError::Refused(error) => Some(error),
            UploadError::File(_) | UploadError::Changed => None,
        };
        UploadOutcome::Failed { reason, error, uploaded }
    }

    pub(super) fn trace(&self, measured: &Measured) -> Trace {
        let mut trace = Trace::from(self.uploader.common_trace.clone());
        let dataset = self.file.dataset.as_ref();
        trace.set("scope", self.file.did.scope.as_str());
        trace.set("datasetScope", dataset.map_or("", |did| did.scope.as_str()));
        trace.set("dataset", dataset.map_or("", |did| did.name.as_str()));
        trace.set("remoteSite", self.uploader.options.rse.rse.as_str());
        trace.set("filesize", measured.bytes);
        trace
    }

    pub(super) fn send(&self, trace: Trace) {
        if let Some(tracer) = self.uploader.tracer {
            tracer.send(trace);
        }
    }

    pub(super) fn did(&self) -> &Did {
        &self.file.did
    }
}

/// Returns the message of a failure.
pub(super) fn reason(failure: &UploadError) -> String {
    match failure {
        UploadError::Refused(error) => error.to_string(),
        UploadError::File(reason) => reason.clone(),
        UploadError::Changed => CHANGED.to_owned(),
    }
}

/// Returns the current time in seconds since 1970, for traces.
pub(super) fn unix_seconds() -> f64 {
    clock::system_time().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}
