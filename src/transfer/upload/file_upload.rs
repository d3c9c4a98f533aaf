//! The upload of one file: its state, events, trace and outcome. Its steps are in [`super::steps`].

use std::time::SystemTime;

use tokio::sync::{Mutex, OnceCell};

use super::events::UploadEvent;
use super::local::{LocalFile, LocalState, Measured};
use super::{UploadOutcome, Uploaded, Uploader};
use crate::error::Error;
use crate::storage::write::{Sent, SentDigests};
use crate::transfer::checksum::Checksum;
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
    /// The file before it is read.
    pub(super) local: LocalState,
    /// The file once it was read: before it is sent, or on the way.
    pub(super) content: OnceCell<Measured>,
    /// Remaining waits for busy storages.
    pub(super) waits: Mutex<WaitBudget>,
}

impl<'a> FileUpload<'a> {
    pub(super) fn new(uploader: &'a Uploader<'a>, file: &'a LocalFile, local: LocalState) -> Self {
        let waits = WaitBudget::with_limit(uploader.options.idle_timeout).into();
        Self { uploader, file, local, content: OnceCell::new(), waits }
    }

    pub(super) fn emit(&self, event: UploadEvent<'_>) {
        self.uploader.observer.file(self.file, event);
    }

    pub(super) fn failed(&self, failure: UploadError, uploaded: Option<Uploaded>) -> UploadOutcome {
        self.uploader.failed(self.file, failure, uploaded)
    }

    /// Returns size and checksums of the file; reads it if that has not been done.
    pub(super) async fn measured(&self) -> Result<&Measured, UploadError> {
        let measure = self.local.measure(self.file, |bytes| self.emit(UploadEvent::Measured(bytes)));
        Ok(self.content.get_or_try_init(|| measure).await?)
    }

    /// Returns the counter for what is sent, which gets the digests that are not known yet.
    pub(super) fn counter(&self) -> Sent {
        if self.content.initialized() { Sent::default() } else { Sent::with_md5() }
    }

    /// Accepts what was sent as the content of the file; `None` if it is another one than was measured before.
    pub(super) fn accept(&self, sent: &SentDigests) -> Option<&Measured> {
        if !self.content.initialized() {
            // Only this task sets it.
            let _ = self.content.set(self.local.measured(sent)?);
        }
        let same = |known: &&Measured| (known.bytes, known.adler32) == (sent.bytes, Checksum::Adler32(sent.adler32));
        self.content.get().filter(same)
    }

    /// Returns whether the local file was modified, replaced or removed since the upload began.
    pub(super) fn has_changed(&self) -> bool {
        self.local.state.differs(&self.file.path)
    }

    /// Returns a text that differs for each content of the file, as far as it is known.
    pub(super) fn fingerprint(&self) -> String {
        match self.content.get() {
            Some(measured) => format!("{} {}", measured.md5(), measured.bytes),
            None => format!("{:?}", self.local.state),
        }
    }

    pub(super) fn trace(&self) -> Trace {
        let mut trace = Trace::from(self.uploader.common_trace.clone());
        let dataset = self.file.dataset.as_ref();
        trace.set("scope", self.file.did.scope.as_str());
        trace.set("datasetScope", dataset.map_or("", |did| did.scope.as_str()));
        trace.set("dataset", dataset.map_or("", |did| did.name.as_str()));
        trace.set("remoteSite", self.uploader.options.rse.rse.as_str());
        trace.set("filesize", self.local.state.bytes());
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
