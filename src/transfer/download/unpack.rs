//! Extracts files from archives: the archive is downloaded to an unnamed file in the target folder, and its member is
//! then read like any other file.

use std::fs::File;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncSeekExt, AsyncWriteExt};

use super::super::events::FileEvent;
use super::super::job::Source;
use super::super::wait_budget::WaitBudget;
use super::{ATTEMPTS, Run};
use crate::storage::archive::{Archive, Member};
use crate::storage::{Kind, Reading, Rest, Result, Storage, StorageError};

/// A partially downloaded archive.
struct Arriving {
    file: tokio::fs::File,
    received: u64,
    version: Option<String>,
}

impl Run<'_> {
    /// Returns the archive member of this source; `None` if the source is the file itself.
    pub(super) async fn unpacked(&self, source: &Source, storage: &dyn Storage) -> Result<Option<Member>> {
        let Some(name) = &source.member else { return Ok(None) };
        let archive = self.all.archives.get(source, self.archive(source, storage)).await;
        // Other files that waited for this failure need not retry it.
        let archive = archive.map_err(|error| match error.may_pass() {
            true => StorageError { kind: Kind::Refused, ..error },
            false => error,
        })?;
        let path = source.pfn.split('?').next().unwrap_or_default();
        self.tell(FileEvent::Unpacking { archive: path.rsplit('/').next().unwrap_or_default() });
        Ok(Some(archive.member(name, self.job.bytes)))
    }

    /// Downloads an archive, with retries, and opens it.
    async fn archive(&self, source: &Source, storage: &dyn Storage) -> Result<Archive> {
        let file = self.all.folder.nameless().map_err(|error| full(&error))?;
        let mut arriving = Arriving { file: tokio::fs::File::from_std(file), received: 0, version: None };
        let (mut renewed, mut attempt) = (None, 1);
        let mut budget = WaitBudget::new(self.all.options.patience);
        while let Err(error) = self.fill(renewed.as_ref().unwrap_or(source), storage, &mut arriving).await {
            if renewed.is_none() {
                renewed = self.renewed(source, &error).await;
                if renewed.is_some() {
                    continue;
                }
            }
            if budget.grant(&error).await? {
                continue;
            }
            if !error.may_pass() || attempt == ATTEMPTS {
                return Err(error);
            }
            self.tell(FileEvent::AttemptFailed { attempt, of: ATTEMPTS, reason: &error.to_string() });
            tokio::time::sleep(error.pause()).await;
            attempt += 1;
        }
        let file: File = arriving.file.into_std().await;
        let opened = tokio::task::spawn_blocking(|| Archive::open(file)).await;
        opened.unwrap_or_else(|error| Err(StorageError::new(Kind::Refused, error.to_string())))
    }

    /// Downloads the missing bytes of an archive, within the timeout for its size.
    async fn fill(&self, source: &Source, storage: &dyn Storage, arriving: &mut Arriving) -> Result<()> {
        let reading = storage.get(&source.pfn, arriving.rest().as_ref()).await?;
        self.tell(FileEvent::FetchingArchive { pfn: &source.pfn, bytes: reading.length });
        let seconds = self.all.options.patience.of(reading.length);
        let filling = arriving.take(reading, |bytes| self.tell(FileEvent::ArchiveReceived(bytes)));
        match seconds.map(Duration::from_secs) {
            None => filling.await,
            Some(limit) => tokio::time::timeout(limit, filling).await.unwrap_or_else(|_| {
                Err(StorageError::new(Kind::TimedOut, format!("the archive took longer than {}s", limit.as_secs())))
            }),
        }
    }
}

impl Arriving {
    fn rest(&self) -> Option<Rest> {
        let version = self.version.clone().filter(|_| self.received > 0)?;
        Some(Rest { start: self.received, version: Some(version) })
    }

    /// Stores the bytes, and reports their number.
    async fn take(&mut self, mut reading: Reading, tell: impl Fn(u64)) -> Result<()> {
        self.version.clone_from(&reading.version);
        self.go_to(reading.start).await.map_err(|error| full(&error))?;
        tell(reading.start);
        let length = reading.length.unwrap_or(u64::MAX);
        while let Some(chunk) = reading.next().await? {
            self.file.write_all(&chunk).await.map_err(|error| full(&error))?;
            self.received += chunk.len() as u64;
            tell(chunk.len() as u64);
            if self.received > length {
                return Err(StorageError::new(Kind::Refused, "the storage sent more than the archive"));
            }
        }
        self.file.flush().await.map_err(|error| full(&error))?;
        match reading.length {
            Some(length) if length != self.received => {
                Err(StorageError::new(Kind::Transient, format!("{} of {length} bytes came", self.received)))
            }
            _ => Ok(()),
        }
    }

    /// Seeks to `start` and truncates: a cancelled attempt may have written more than was counted.
    async fn go_to(&mut self, start: u64) -> io::Result<()> {
        self.received = start;
        self.file.flush().await?;
        self.file.set_len(start).await?;
        self.file.seek(io::SeekFrom::Start(start)).await.map(drop)
    }
}

/// Returns the error if the archive cannot be written to the target folder. Another source may have the file itself,
/// which is smaller.
fn full(error: &io::Error) -> StorageError {
    StorageError::new(Kind::Refused, format!("the archive cannot be kept in the target folder: {error}"))
}
