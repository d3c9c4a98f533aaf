//! One attempt to download a file from one source.

use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::FileDownload;
use super::attempt_error::AttemptError;
use super::split::{FirstConnection, NextChunk, SpeedMonitor};
use crate::storage::{ObjectReader, ResumeFrom, Storage, StorageError, StorageErrorKind};
use crate::transfer::checksum::Checksum;
use crate::transfer::events::FileEvent;
use crate::transfer::job::Source;
use crate::transfer::limits::throttle_time::ThrottleTime;
use crate::transfer::partial_file::complete_file::CompleteFile;
use crate::transfer::partial_file::resume_state::ResumeState;
use crate::transfer::partial_file::sequential_file::SequentialFile;

impl FileDownload<'_> {
    /// Downloads the file, or its missing bytes, verifies it and renames it to its final name.
    pub(super) async fn attempt(
        &self,
        source: &Source,
        storage: &dyn Storage,
        destination: &Path,
        resume_state: &mut ResumeState,
    ) -> Result<(PathBuf, Checksum), AttemptError> {
        let outcome = self.attempt_once(source, storage, destination, resume_state).await;
        let outcome = outcome.map_err(|error| error.or_web_page(resume_state.web_page_from()));
        if outcome.as_ref().is_err_and(AttemptError::spoils_bytes) || outcome.is_err() && resume_state.is_web_page() {
            resume_state.discard();
            self.emit(FileEvent::StartedOver);
        }
        if let Err(AttemptError::Inconsistent) = outcome {
            resume_state.disable_split();
        }
        outcome
    }

    async fn attempt_once(
        &self,
        source: &Source,
        storage: &dyn Storage,
        destination: &Path,
        resume_state: &mut ResumeState,
    ) -> Result<(PathBuf, Checksum), AttemptError> {
        let local_error = |error| AttemptError::local(destination, error);
        // The attempt's timeout does not include the download of the archive.
        let unpacked = self.unpack_member(source, storage).await?;
        let storage = unpacked.as_ref().map_or(storage, |member| member as &dyn Storage);
        self.with_timeout(|throttle| self.transfer(source, storage, destination, resume_state, throttle)).await?;
        let complete = self.verify(resume_state.complete().await.map_err(local_error)?)?;
        let checksum = complete.checksum;
        Ok((complete.persist().map_err(local_error)?, checksum))
    }

    /// Applies the attempt timeout; time throttled by `--limit-rate` does not count.
    async fn with_timeout<'w, F>(&self, transfer: impl FnOnce(Arc<ThrottleTime>) -> F) -> Result<(), AttemptError>
    where
        F: Future<Output = Result<(), AttemptError>> + 'w,
    {
        let throttle = Arc::<ThrottleTime>::default();
        let mut transfer = pin!(transfer(throttle.clone()));
        let Some(seconds) = self.downloader.options.attempt_timeout.for_size(self.job.bytes) else {
            return transfer.await;
        };
        let (mut time, mut granted) = (Duration::from_secs(seconds), Duration::ZERO);
        loop {
            if let Ok(done) = tokio::time::timeout(time, transfer.as_mut()).await {
                return done;
            }
            time = throttle.total() - granted;
            granted += time;
            if time.is_zero() {
                let message = format!("the transfer took longer than {seconds}s");
                return Err(StorageError::new(StorageErrorKind::TimedOut, message).into());
            }
        }
    }

    /// Reads to the end. Received bytes stay in `resume_state`, also on errors.
    async fn transfer(
        &self,
        source: &Source,
        storage: &dyn Storage,
        destination: &Path,
        resume_state: &mut ResumeState,
        throttle: Arc<ThrottleTime>,
    ) -> Result<(), AttemptError> {
        let share = self.downloader.connection_budget.share_for(self.job.bytes);
        let local_error = |error| AttemptError::local(destination, error);
        if storage.supports_ranges()
            && let Some(partial_file) = resume_state.ranged()
        {
            return self.split((source, storage, destination), None, partial_file, &share, &throttle).await;
        }
        if self.is_complete(resume_state) {
            return Ok(());
        }
        let started = Instant::now();
        let resume = resume_state.resume_from(source, self.expected_checksum(), self.job.bytes);
        let request = resume.as_ref().filter(|_| resume_state.may_request_rest(source));
        let reader = storage.get(&source.pfn, request).await?;
        resume_state.set_web_page(reader.web_page_from.clone());
        self.check_size(reader.length)?;
        let (setup, whole, start) = (started.elapsed(), reader.length.unwrap_or(0), reader.start);
        let allows_split = resume_state.allows_split();
        let file = self.sequential_file(&reader, resume.as_ref(), source, destination, resume_state);
        // The storage may send the whole file again although its beginning is present.
        let reader = reader.skip_to(file.received());
        let missing = whole.saturating_sub(file.received());
        let should_split = allows_split && start == file.received() && self.should_split(storage, missing, &share);
        let monitor = should_split.then(|| SpeedMonitor::new(setup, file.received(), whole));
        match self.read(reader, file, destination, monitor, &throttle).await? {
            None if start > 0 && file.received() == start && self.check_end(file).is_err() => Err(AttemptError::NoRest),
            None => self.check_end(file),
            Some(first) => {
                let partial_file = resume_state.convert_to_ranged(whole).await.map_err(local_error)?;
                self.split((source, storage, destination), Some(first), partial_file, &share, &throttle).await
            }
        }
    }

    /// Reads to the end; returns the connection early if more connections should help.
    async fn read(
        &self,
        mut reader: ObjectReader,
        file: &mut SequentialFile,
        destination: &Path,
        mut monitor: Option<SpeedMonitor>,
        throttle: &ThrottleTime,
    ) -> Result<Option<FirstConnection>, AttemptError> {
        loop {
            let next = match &mut monitor {
                Some(monitor) => monitor.next(&mut reader, file.received()).await?,
                None => NextChunk::Received(reader.next().await?),
            };
            let chunk = match next {
                NextChunk::Received(Some(chunk)) => chunk,
                NextChunk::Received(None) => return Ok(None),
                NextChunk::TooSlow => return Ok(monitor.map(|monitor| monitor.into_first_connection(reader))),
            };
            self.check_excess(file, chunk.len() as u64)?;
            let moment = Instant::now();
            file.push(&chunk).await.map_err(|error| AttemptError::local(destination, error))?;
            self.emit(FileEvent::Received(chunk.len() as u64));
            self.limit_rate(chunk.len(), throttle).await;
            if let Some(monitor) = &mut monitor {
                monitor.exclude_since(moment);
            }
        }
    }

    /// Waits for as long as the rate limit requires for this many bytes.
    pub(super) async fn limit_rate(&self, bytes: usize, throttle: &ThrottleTime) {
        if let Some(rate) = self.downloader.rate {
            throttle.wait(rate.reserve(bytes as u64, Instant::now())).await;
        }
    }

    /// Returns the file that the bytes of this response belong to.
    fn sequential_file<'p>(
        &self,
        reader: &ObjectReader,
        resume: Option<&ResumeFrom>,
        source: &Source,
        destination: &Path,
        resume_state: &'p mut ResumeState,
    ) -> &'p mut SequentialFile {
        let before = resume_state.received();
        let new = || SequentialFile::new(destination, self.expected_checksum());
        let file = resume_state.sequential(reader, resume, source, new);
        if file.received() < before {
            self.emit(FileEvent::StartedOver);
        }
        file
    }

    /// Whether all bytes exist: an earlier process ended between the last byte and the rename.
    fn is_complete(&self, resume_state: &ResumeState) -> bool {
        resume_state.received() > 0 && Some(resume_state.received()) == self.job.bytes
    }

    /// Returns the checksum to verify, `Unknown` if the user ignores it.
    pub(super) fn expected_checksum(&self) -> Checksum {
        if self.downloader.options.ignore_checksum { Checksum::Unknown } else { self.job.checksum }
    }

    /// Checks the announced length before reading.
    fn check_size(&self, length: Option<u64>) -> Result<(), AttemptError> {
        match (length, self.job.bytes) {
            (Some(found), Some(expected)) if found != expected && !self.downloader.options.ignore_checksum => {
                Err(AttemptError::WrongSize { found, expected })
            }
            _ => Ok(()),
        }
    }

    /// Checks that the storage, which may not have announced a length, does not fill the disk with these next bytes.
    fn check_excess(&self, file: &SequentialFile, next: u64) -> Result<(), AttemptError> {
        match self.job.bytes {
            Some(expected) if file.received() + next > expected && !self.downloader.options.ignore_checksum => {
                Err(if file.has_several_responses() {
                    AttemptError::Inconsistent
                } else {
                    AttemptError::TooLong { expected }
                })
            }
            _ => Ok(()),
        }
    }

    /// Checks the length at the end: without an announced length, a broken connection looks like the end of the file.
    fn check_end(&self, file: &SequentialFile) -> Result<(), AttemptError> {
        match self.job.bytes {
            Some(expected) if file.received() < expected && !self.downloader.options.ignore_checksum => {
                Err(AttemptError::Ended { received: file.received(), expected })
            }
            _ => Ok(()),
        }
    }

    fn verify(&self, complete: CompleteFile) -> Result<CompleteFile, AttemptError> {
        let expected = self.expected_checksum();
        if complete.checksum == expected {
            return Ok(complete);
        }
        if complete.has_several_responses {
            return Err(AttemptError::Inconsistent);
        }
        let found = complete.checksum.to_string();
        Err(AttemptError::Content { found, expected: expected.to_string() })
    }
}
