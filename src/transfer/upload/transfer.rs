//! Transfers one file to one PFN: writes it under a temporary name, verifies and renames it.

mod rename;

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::{Instant, interval, sleep, timeout};

use super::events::UploadEvent;
use super::file_upload::FileUpload;
use super::local::Measured;
use super::names::TemporaryName;
use super::{Registration, target};
use crate::api::credentials::{self, Signature};
use crate::storage::write::{Sent, StorageWriter, Stored};
use crate::storage::{Pfn, Result, StorageError, StorageErrorKind};
use crate::types::RseProtocol;
pub(super) use rename::Placed;

/// Maximum number of attempts to write a file. Chosen: as in downloads.
const ATTEMPTS: u32 = 2;
/// Waiting times before a written file is queried again: storages may show it with a delay. Chosen: about five seconds in all.
const RECHECK_PAUSES: [Duration; 4] =
    [Duration::from_millis(200), Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(3)];
/// Interval at which progress is checked. Chosen: smooth for a progress bar.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(200);
/// Timeout of storage calls that transfer no file data. Chosen: a storage may compute the checksum first.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);
/// Lifetime of a signed URL in seconds. Chosen: an upload may be slow, and a leaked URL should expire.
const SIGNATURE_SECONDS: u64 = 3600;

/// A file's destination: protocol and PFN.
pub(super) struct UploadTarget<'a> {
    /// The upload.
    pub(super) run: &'a FileUpload<'a>,
    /// Protocol, as configured at the RSE.
    protocol: &'a RseProtocol,
    /// Final PFN.
    pub(super) pfn: &'a Pfn,
    /// Client for the protocol.
    pub(super) writer: &'a dyn StorageWriter,
    /// Whether the storage did not report the checksum of the file in time, so that its size is queried only.
    checksum_is_late: AtomicBool,
}

/// Why a file was not written.
pub(super) enum WriteError {
    /// The storage failed.
    Storage(StorageError),
    /// The local file changed after it was measured.
    Changed,
}

impl From<StorageError> for WriteError {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

impl<'a> UploadTarget<'a> {
    pub(super) fn new(
        run: &'a FileUpload<'a>,
        protocol: &'a RseProtocol,
        pfn: &'a Pfn,
        writer: &'a dyn StorageWriter,
    ) -> Self {
        Self { run, protocol, pfn, writer, checksum_is_late: AtomicBool::new(false) }
    }

    /// Queries the file under the final name; its size alone if its checksum is not reported in time.
    pub(super) async fn stored(&self) -> Result<Option<Stored>> {
        let pfn = self.access(self.pfn, "read").await?;
        match self.inspect(&pfn).await {
            Err(late) if late.kind == StorageErrorKind::TimedOut => self.inspect_size(&pfn, late).await,
            stored => stored,
        }
    }

    /// Queries a file; waits for a storage that is busy and says for how long.
    async fn inspect(&self, pfn: &Pfn) -> Result<Option<Stored>> {
        loop {
            let inspected = self.writer.inspect(pfn);
            let stored =
                if self.writer.inspects_by_reading() { inspected.await } else { with_timeout(inspected).await };
            match &stored {
                Err(error) if self.wait_if_busy(error).await? => {}
                _ => return stored,
            }
        }
    }

    /// Queries the size of a file whose checksum could not be queried. Errors: `failure`, the reason of that.
    async fn inspect_size(&self, pfn: &Pfn, failure: StorageError) -> Result<Option<Stored>> {
        with_timeout(self.writer.inspect_size(pfn)).await.map_err(|_| failure)
    }

    /// Waits for as long as a busy storage requests (`Retry-After`). Returns whether it requested a time. Errors: the file
    /// may not wait for so long.
    async fn wait_if_busy(&self, busy: &StorageError) -> Result<bool> {
        self.run.waits.lock().await.wait_if_busy(busy).await
    }

    /// Writes the file. `old` is an existing unregistered file, which is deleted once ours is complete.
    pub(super) async fn write(&self, old: Option<&Stored>) -> Result<Placed, WriteError> {
        let name = target::uses_temporary_name(self.protocol)
            .then(|| TemporaryName::new(self.pfn, &self.run.file.path, &self.run.fingerprint()));
        let target = name.as_ref().map_or(self.pfn, |name| &name.pfn);
        self.run.uploader.leftovers.add(target.clone());
        let mut written = self.complete(target, old).await;
        if let Err(failure) = &written {
            if name.is_some() || self.may_discard(failure) {
                self.discard(target).await;
            }
            if self.run.has_changed() {
                written = Err(WriteError::Changed);
            }
        }
        self.run.uploader.leftovers.remove(target);
        written
    }

    /// Returns whether the file under the final name may be deleted: not one that existed before, nor, unless the name
    /// was registered first, one that differs from ours, as it may be the complete file of another process.
    fn may_discard(&self, failure: &WriteError) -> bool {
        match failure {
            WriteError::Storage(error) if error.kind == StorageErrorKind::AlreadyExists => false,
            WriteError::Storage(error) if error.kind == StorageErrorKind::Refused => {
                self.run.uploader.options.registration == Registration::Before
            }
            _ => true,
        }
    }

    async fn complete(&self, target: &Pfn, old: Option<&Stored>) -> Result<Placed, WriteError> {
        let in_place = target == self.pfn;
        let measured = match self.send_with_retries(target).await {
            // A leftover of a killed run of this upload, or an unregistered file.
            Err(WriteError::Storage(error))
                if error.kind == StorageErrorKind::AlreadyExists && (!in_place || old.is_some()) =>
            {
                let pfn = self.access(target, "delete").await?;
                with_timeout(self.writer.delete(&pfn)).await.map_err(|error| StorageError {
                    message: format!("there is a file already, and deleting it failed: {error}"),
                    ..error
                })?;
                self.send_with_retries(target).await?
            }
            outcome => outcome?,
        };
        let options = &self.run.uploader.options;
        self.run.emit(UploadEvent::Verifying);
        if !options.skip_stat && !self.compare(target, measured).await? && options.rse.verify_checksum {
            self.run.emit(UploadEvent::Unverified);
        }
        self.run.emit(UploadEvent::Written { pfn: target.as_str() });
        if in_place {
            return Ok(Placed { lock: None, is_safe: false });
        }
        Ok(self.rename_into_place(target, measured, old).await?)
    }

    /// Sends the file, with one retry, and more of them if the storage is busy and says for how long. Returns the content
    /// that was sent: the one that was measured before, if it was.
    async fn send_with_retries(&self, target: &Pfn) -> Result<&'a Measured, WriteError> {
        let mut attempt = 1;
        let sent = loop {
            let error = match self.send(target).await {
                Ok(sent) => break sent,
                Err(error) => error,
            };
            if self.wait_if_busy(&error).await? {
                continue;
            }
            let may_help = matches!(error.kind, StorageErrorKind::Transient | StorageErrorKind::Overloaded);
            if !may_help || attempt == ATTEMPTS {
                return Err(error.into());
            }
            self.run.emit(UploadEvent::AttemptFailed { reason: &error.to_string() });
            sleep(error.pause()).await;
            attempt += 1;
        };
        let content = sent.whole().and_then(|digests| self.run.accept(&digests));
        content.filter(|_| !self.run.has_changed()).ok_or(WriteError::Changed)
    }

    /// Sends the file; fails if no data is accepted for longer than the timeout.
    async fn send(&self, target: &Pfn) -> Result<Sent> {
        let (pfn, sent) = (self.access(target, "write").await?, self.run.counter());
        let mut put = self.writer.put(&self.run.file.path, &pfn, &sent);
        let (mut ticks, mut known, mut moved) = (interval(PROGRESS_INTERVAL), 0, Instant::now());
        loop {
            tokio::select! {
                outcome = &mut put => {
                    self.run.emit(UploadEvent::Sent(sent.taken()));
                    return outcome.map(|()| sent.clone());
                }
                _ = ticks.tick() => {
                    let now = sent.taken();
                    if now != known {
                        (known, moved) = (now, Instant::now());
                        self.run.emit(UploadEvent::Sent(now));
                    }
                    self.check_idle_timeout(moved.elapsed())?;
                }
            }
        }
    }

    /// Fails if the storage accepted no data for too long.
    fn check_idle_timeout(&self, silent: Duration) -> Result<()> {
        match self.run.uploader.options.idle_timeout {
            Some(timeout) if silent > timeout => {
                let message = format!("the storage took no byte for {} s", timeout.as_secs_f64());
                Err(StorageError::new(StorageErrorKind::TimedOut, message))
            }
            _ => Ok(()),
        }
    }

    /// Compares the stored file with the measured one. Returns whether a checksum was compared.
    pub(super) async fn compare(&self, name: &Pfn, measured: &Measured) -> Result<bool> {
        let pfn = self.access(name, "read").await?;
        let stored = match self.inspect_written(&pfn, measured).await {
            Err(failure) if failure.is_retryable() => {
                self.checksum_is_late.store(true, Ordering::Relaxed);
                self.inspect_size(&pfn, failure).await?
            }
            stored => stored?,
        };
        let refused = |message: String| StorageError::new(StorageErrorKind::Refused, message);
        let stored = stored.ok_or_else(|| refused("what was written is not there".to_owned()))?;
        if !stored.is_known() {
            return Err(refused(self.unverifiable(name)));
        }
        measured.matches_stored(&stored, self.run.uploader.options.rse.verify_checksum).map_err(refused)
    }

    /// Queries a written file, again after pauses if the storage does not show it, or its checksum, at once.
    async fn inspect_written(&self, pfn: &Pfn, measured: &Measured) -> Result<Option<Stored>> {
        if self.checksum_is_late.load(Ordering::Relaxed) {
            return with_timeout(self.writer.inspect_size(pfn)).await;
        }
        let mut pauses = RECHECK_PAUSES.into_iter();
        loop {
            let stored = self.inspect(pfn).await;
            let settled = match &stored {
                Ok(Some(stored)) => stored.bytes != Some(0) || measured.bytes == 0,
                Ok(None) => false,
                Err(error) => !error.is_retryable(),
            };
            match pauses.next() {
                Some(pause) if !settled => sleep(pause).await,
                _ => return stored,
            }
        }
    }

    fn unverifiable(&self, pfn: &Pfn) -> String {
        format!(
            "the storage reports neither size nor checksum of {pfn} (asked by {}), so the upload cannot be verified; \
             upload by another protocol, or to another RSE, and report it to those who run {}",
            self.writer.inspection_method(),
            self.run.uploader.options.rse.rse
        )
    }

    async fn discard(&self, pfn: &Pfn) {
        match self.access(pfn, "delete").await {
            Ok(pfn) => drop(self.run.uploader.discard(&pfn).await),
            Err(error) => tracing::debug!("{pfn} is left behind: {error}"),
        }
    }

    /// Returns the URL for this operation: signed if the RSE requires it.
    async fn access(&self, pfn: &Pfn, operation: &str) -> Result<Pfn> {
        let rse = &self.run.uploader.options.rse;
        let Some(service) = &rse.sign_url else { return Ok(pfn.clone()) };
        if self.protocol.scheme != "https" {
            return Ok(pfn.clone());
        }
        let wanted = Signature { rse: &rse.rse, service, operation, lifetime: SIGNATURE_SECONDS, url: pfn.as_str() };
        let signed = credentials::sign_url(self.run.uploader.client, wanted).await;
        signed.map(Pfn::new).map_err(|error| {
            StorageError::new(StorageErrorKind::Denied, format!("its URL could not be signed: {error}"))
        })
    }
}

/// Applies the timeout to a storage call.
pub(super) async fn with_timeout<T>(answer: impl Future<Output = Result<T>>) -> Result<T> {
    let late = || StorageError::new(StorageErrorKind::TimedOut, "the storage did not answer in time");
    timeout(ANSWER_TIMEOUT, answer).await.unwrap_or_else(|_| Err(late()))
}
