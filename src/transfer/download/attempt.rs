//! One attempt at one source.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::checksum::Checksum;
use super::super::events::FileEvent;
use super::super::job::Source;
use super::super::sink::{Complete, Sink};
use super::{LONGEST_PAUSE, PAUSE, Run};
use crate::storage::{Kind, Reading, Rest, Storage, StorageError};

/// What a broken attempt leaves for the next one at the same source.
#[derive(Debug, Default)]
pub(super) struct Partial {
    sink: Option<Sink>,
    version: Option<String>,
}

impl Partial {
    /// What is missing, if the bytes that are here can be gone on with.
    fn rest(&self) -> Option<Rest> {
        let (sink, version) = (self.sink.as_ref()?, self.version.as_ref()?);
        (sink.received() > 0).then(|| Rest { start: sink.received(), version: version.clone() })
    }
}

/// Why an attempt failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The storage did not give the file.
    #[error("{0}")]
    Storage(#[from] StorageError),
    /// The storage gave another file.
    #[error("Checksum validation failed: Local checksum: {found}, Rucio checksum: {expected}")]
    Content {
        /// What came.
        found: String,
        /// What the catalogue knows.
        expected: String,
        /// Whether the bytes may have changed on their way.
        may_pass: bool,
    },
    /// The file cannot be written.
    #[error("{0}")]
    Local(#[from] io::Error),
}

impl Failure {
    /// How long to wait before the same source is tried again, if that makes sense.
    pub(super) fn pause(&self) -> Option<Duration> {
        match self {
            Self::Storage(error) if error.may_pass() => Some(error.retry_after.unwrap_or(PAUSE).min(LONGEST_PAUSE)),
            Self::Content { may_pass: true, .. } => Some(Duration::ZERO),
            _ => None,
        }
    }

    /// The word traces have for it.
    pub(super) fn state(&self) -> &'static str {
        match self {
            Self::Content { .. } => "FAIL_VALIDATE",
            _ => "FAILED",
        }
    }
}

impl Run<'_> {
    /// Asks the source for the file, or for what is still missing of it, and puts it in its place if it is right.
    pub(super) async fn attempt(
        &self,
        source: &Source,
        storage: &dyn Storage,
        place: &Path,
        partial: &mut Partial,
    ) -> Result<(PathBuf, Checksum), Failure> {
        // What is inside an archive has nothing to do with the time that the archive takes.
        let unpacked = self.unpacked(source, storage).await?;
        let storage = unpacked.as_ref().map_or(storage, |member| member as &dyn Storage);
        let transfer = self.transfer(source, storage, place, partial);
        match self.all.options.patience.of(self.job.bytes) {
            None => transfer.await?,
            Some(seconds) => {
                let limited = tokio::time::timeout(Duration::from_secs(seconds), transfer);
                let late = || StorageError::new(Kind::TimedOut, format!("the transfer took longer than {seconds}s"));
                limited.await.unwrap_or_else(|_| Err(late().into()))?;
            }
        }
        let Some(sink) = partial.sink.take() else { return Err(io::Error::other("no file was made").into()) };
        let complete = self.verified(sink.complete().await?)?;
        let checksum = complete.checksum;
        Ok((complete.put()?, checksum))
    }

    /// Reads to the end. What has come stays in `partial`, whatever happens.
    async fn transfer(
        &self,
        source: &Source,
        storage: &dyn Storage,
        place: &Path,
        partial: &mut Partial,
    ) -> Result<(), Failure> {
        let mut reading = storage.get(&source.pfn, partial.rest().as_ref()).await?;
        self.check_size(reading.length)?;
        let sink = self.sink(&reading, place, partial);
        while let Some(chunk) = reading.next().await? {
            sink.push(&chunk).await?;
            self.tell(FileEvent::Received(chunk.len() as u64));
            self.check_excess(sink.received())?;
        }
        Ok(())
    }

    /// The sink that these bytes belong to: the one of the attempt before if they are its continuation, else a new one.
    fn sink<'p>(&self, reading: &Reading, place: &Path, partial: &'p mut Partial) -> &'p mut Sink {
        partial.version.clone_from(&reading.version);
        let continued = partial.sink.take().filter(|sink| {
            let continued = reading.start > 0 && sink.received() == reading.start;
            if !continued && sink.received() > 0 {
                self.tell(FileEvent::StartedOver);
            }
            continued
        });
        partial.sink.insert(continued.unwrap_or_else(|| Sink::new(place, self.wanted())))
    }

    /// The checksum that has to come out.
    fn wanted(&self) -> Checksum {
        match self.all.options.ignore_checksum {
            true => Checksum::Unknown,
            false => self.job.checksum,
        }
    }

    /// A file of another size is not worth reading.
    fn check_size(&self, length: Option<u64>) -> Result<(), Failure> {
        match (length, self.job.bytes) {
            (Some(found), Some(expected)) if found != expected && !self.all.options.ignore_checksum => {
                Err(wrong_size(found, expected))
            }
            _ => Ok(()),
        }
    }

    /// A storage that does not tell the size must not fill the disk.
    fn check_excess(&self, received: u64) -> Result<(), Failure> {
        match self.job.bytes {
            Some(expected) if received > expected && !self.all.options.ignore_checksum => {
                Err(wrong_size(received, expected))
            }
            _ => Ok(()),
        }
    }

    fn verified(&self, complete: Complete) -> Result<Complete, Failure> {
        let wanted = self.wanted();
        self.check_size(Some(complete.bytes)).inspect_err(|_| self.tell(FileEvent::StartedOver))?;
        match complete.checksum == wanted {
            true => Ok(complete),
            false => {
                self.tell(FileEvent::StartedOver);
                let (found, expected) = (complete.checksum.to_string(), wanted.to_string());
                Err(Failure::Content { found, expected, may_pass: true })
            }
        }
    }
}

fn wrong_size(found: u64, expected: u64) -> Failure {
    Failure::Content { found: format!("{found} bytes"), expected: format!("{expected} bytes"), may_pass: false }
}
