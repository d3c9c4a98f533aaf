//! One attempt to download a file from one source.

use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::checksum::Checksum;
use super::super::complete_file::Complete;
use super::super::events::FileEvent;
use super::super::job::Source;
use super::super::sink::Sink;
use super::Run;
use super::attempt_error::Failure;
use super::resume_state::Partial;
use super::split::{Lead, Seen, Watch};
use super::throttle_time::Waits;
use crate::storage::{Kind, Reading, Storage, StorageError};

impl Run<'_> {
    /// Downloads the file, or its missing bytes, verifies it and renames it to its final name.
    pub(super) async fn attempt(
        &self,
        source: &Source,
        storage: &dyn Storage,
        place: &Path,
        partial: &mut Partial,
    ) -> Result<(PathBuf, Checksum), Failure> {
        let outcome = self.attempt_once(source, storage, place, partial).await;
        // Received bytes are useless if they are wrong, or cannot be written.
        if matches!(outcome, Err(Failure::Content { .. } | Failure::Parts | Failure::Local { .. })) {
            partial.discard();
            self.tell(FileEvent::StartedOver);
        }
        if let Err(Failure::Parts) = outcome {
            partial.do_not_split();
        }
        outcome
    }

    async fn attempt_once(
        &self,
        source: &Source,
        storage: &dyn Storage,
        place: &Path,
        partial: &mut Partial,
    ) -> Result<(PathBuf, Checksum), Failure> {
        let here = |error| Failure::local(place, error);
        // The attempt's timeout does not include the download of the archive.
        let unpacked = self.unpacked(source, storage).await?;
        let storage = unpacked.as_ref().map_or(storage, |member| member as &dyn Storage);
        self.in_time(|waits| self.transfer(source, storage, place, partial, waits)).await?;
        let complete = self.verified(partial.complete().await.map_err(here)?)?;
        let checksum = complete.checksum;
        Ok((complete.put().map_err(here)?, checksum))
    }

    /// Applies the attempt timeout; time throttled by `--limit-rate` does not count.
    async fn in_time<'w, F>(&self, transfer: impl FnOnce(Arc<Waits>) -> F) -> Result<(), Failure>
    where
        F: Future<Output = Result<(), Failure>> + 'w,
    {
        let waits = Arc::<Waits>::default();
        let mut transfer = pin!(transfer(waits.clone()));
        let Some(seconds) = self.all.options.patience.of(self.job.bytes) else { return transfer.await };
        let (mut time, mut granted) = (Duration::from_secs(seconds), Duration::ZERO);
        loop {
            if let Ok(done) = tokio::time::timeout(time, transfer.as_mut()).await {
                return done;
            }
            time = waits.sum() - granted;
            granted += time;
            if time.is_zero() {
                let message = format!("the transfer took longer than {seconds}s");
                return Err(StorageError::new(Kind::TimedOut, message).into());
            }
        }
    }

    /// Reads to the end. Received bytes stay in `partial`, also on errors.
    async fn transfer(
        &self,
        source: &Source,
        storage: &dyn Storage,
        place: &Path,
        partial: &mut Partial,
        waits: Arc<Waits>,
    ) -> Result<(), Failure> {
        let share = self.all.bound.join(self.job.bytes);
        let here = |error| Failure::local(place, error);
        if let Some(parts) = partial.parts().filter(|_| storage.has_parts()) {
            return self.split((source, storage, place), None, parts, &share, &waits).await;
        }
        if self.is_complete(partial) {
            return Ok(());
        }
        let asked = Instant::now();
        let reading = storage.get(&source.pfn, partial.rest(source, self.wanted()).as_ref()).await?;
        self.check_size(reading.length)?;
        let (setup, may_be_split) = (asked.elapsed(), partial.may_be_split());
        let sink = self.sink(&reading, source, place, partial);
        let whole = reading.length.filter(|_| may_be_split).unwrap_or(0);
        let may_be_split = self.may_be_split(storage, whole.saturating_sub(sink.received()), &share);
        let watch = may_be_split.then(|| Watch::new(setup, sink.received(), whole));
        match self.read(reading, sink, place, watch, &waits).await? {
            None => self.check_end(sink),
            Some(lead) => {
                let parts = partial.scatter(whole).await.map_err(here)?;
                self.split((source, storage, place), Some(lead), parts, &share, &waits).await
            }
        }
    }

    /// Reads to the end; returns the connection early if more connections should help.
    async fn read(
        &self,
        mut reading: Reading,
        sink: &mut Sink,
        place: &Path,
        mut watch: Option<Watch>,
        waits: &Waits,
    ) -> Result<Option<Lead>, Failure> {
        loop {
            let seen = match &mut watch {
                Some(watch) => watch.next(&mut reading, sink.received()).await?,
                None => Seen::Came(reading.next().await?),
            };
            let chunk = match seen {
                Seen::Came(Some(chunk)) => chunk,
                Seen::Came(None) => return Ok(None),
                Seen::Slow => return Ok(watch.map(|watch| watch.lead(reading))),
            };
            let moment = Instant::now();
            sink.push(&chunk).await.map_err(|error| Failure::local(place, error))?;
            self.tell(FileEvent::Received(chunk.len() as u64));
            self.check_excess(sink)?;
            self.hold(chunk.len(), waits).await;
            if let Some(watch) = &mut watch {
                watch.held_since(moment);
            }
        }
    }

    /// Waits for as long as the rate limit requires for this many bytes.
    pub(super) async fn hold(&self, bytes: usize, waits: &Waits) {
        if let Some(rate) = self.all.rate {
            waits.wait(rate.take(bytes as u64, Instant::now())).await;
        }
    }

    /// Returns the sink that these bytes belong to.
    fn sink<'p>(&self, reading: &Reading, source: &Source, place: &Path, partial: &'p mut Partial) -> &'p mut Sink {
        let before = partial.received();
        let sink = partial.sink(reading, source, || Sink::new(place, self.wanted()));
        if sink.received() < before {
            self.tell(FileEvent::StartedOver);
        }
        sink
    }

    /// Whether all bytes exist: an earlier process ended between the last byte and the rename.
    fn is_complete(&self, partial: &Partial) -> bool {
        partial.received() > 0 && Some(partial.received()) == self.job.bytes
    }

    /// Returns the checksum to verify, `Unknown` if the user ignores it.
    pub(super) fn wanted(&self) -> Checksum {
        match self.all.options.ignore_checksum {
            true => Checksum::Unknown,
            false => self.job.checksum,
        }
    }

    /// Checks the announced length before reading.
    fn check_size(&self, length: Option<u64>) -> Result<(), Failure> {
        match (length, self.job.bytes) {
            (Some(found), Some(expected)) if found != expected && !self.all.options.ignore_checksum => {
                Err(wrong_size(found, expected))
            }
            _ => Ok(()),
        }
    }

    /// Checks that the storage, which may not have announced a length, does not fill the disk.
    fn check_excess(&self, sink: &Sink) -> Result<(), Failure> {
        match self.job.bytes {
            Some(expected) if sink.received() > expected && !self.all.options.ignore_checksum => {
                Err(if sink.is_pieced() { Failure::Parts } else { wrong_size(sink.received(), expected) })
            }
            _ => Ok(()),
        }
    }

    /// Checks the length at the end: without an announced length, a broken connection looks like the end of the file.
    fn check_end(&self, sink: &Sink) -> Result<(), Failure> {
        match self.job.bytes {
            Some(expected) if sink.received() < expected && !self.all.options.ignore_checksum => {
                let message = format!("the transfer broke off: {} of {expected} bytes came", sink.received());
                Err(StorageError::new(Kind::Transient, message).into())
            }
            _ => Ok(()),
        }
    }

    fn verified(&self, complete: Complete) -> Result<Complete, Failure> {
        let wanted = self.wanted();
        match complete.checksum == wanted {
            true => Ok(complete),
            false if complete.is_pieced => Err(Failure::Parts),
            false => {
                let (found, expected) = (complete.checksum.to_string(), wanted.to_string());
                Err(Failure::Content { found, expected, may_pass: true })
            }
        }
    }
}

fn wrong_size(found: u64, expected: u64) -> Failure {
    Failure::Content { found: format!("{found} bytes"), expected: format!("{expected} bytes"), may_pass: false }
}
