//! Extracts files from archives: the archive is downloaded to an unnamed file in the target folder, and its member is
//! then read like any other file.

use std::fs::File;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncSeekExt, AsyncWriteExt};

use crate::storage::archive::{Archive, Member};
use crate::storage::{ObjectReader, Result, ResumeFrom, Storage, StorageError, StorageErrorKind};
use crate::transfer::download::{ATTEMPTS, FileDownload};
use crate::transfer::events::FileEvent;
use crate::transfer::job::Source;

/// A partially downloaded archive.
struct ArchiveDownload {
    file: tokio::fs::File,
    received: u64,
    /// Its size in bytes and version, if the storage reports them.
    length: Option<u64>,
    version: Option<String>,
}

impl FileDownload<'_> {
    /// Returns the archive member of this source; `None` if the source is the file itself.
    pub(crate) async fn unpack_member(&self, source: &Source, storage: &dyn Storage) -> Result<Option<Member>> {
        let Some(name) = &source.member else { return Ok(None) };
        let archive = self.downloader.archives.get(source, self.fetch_archive(source, storage)).await;
        // Other files that waited for this failure need not retry it.
        let archive = archive.map_err(|mut error| {
            if error.is_retryable() {
                error.kind = StorageErrorKind::Refused;
            }
            error
        })?;
        self.emit(FileEvent::Unpacking { archive: source.pfn.file_name() });
        Ok(Some(archive.member(name, self.job.bytes)))
    }

    /// Downloads an archive, with retries, and opens it.
    async fn fetch_archive(&self, source: &Source, storage: &dyn Storage) -> Result<Archive> {
        let file = self.downloader.folder.anonymous_file().map_err(|error| write_error(&error))?;
        let mut archive =
            ArchiveDownload { file: tokio::fs::File::from_std(file), received: 0, length: None, version: None };
        let mut renewed = None;
        let mut attempt = 1;
        let mut budget = self.downloader.options.wait_budget();
        while let Err(error) = self.fill(renewed.as_ref().unwrap_or(source), storage, &mut archive).await {
            if renewed.is_none() {
                renewed = self.with_new_signature(source, &error).await;
                if renewed.is_some() {
                    continue;
                }
            }
            if budget.wait_if_busy(&error).await? {
                continue;
            }
            if !error.is_retryable() || attempt == ATTEMPTS {
                return Err(error);
            }
            self.emit(FileEvent::AttemptFailed { attempt, of: ATTEMPTS, reason: &error.to_string() });
            tokio::time::sleep(error.pause()).await;
            attempt += 1;
        }
        let file: File = archive.file.into_std().await;
        let opened = tokio::task::spawn_blocking(|| Archive::open(file)).await;
        opened.unwrap_or_else(|error| Err(StorageError::new(StorageErrorKind::Refused, error.to_string())))
    }

    /// Downloads the missing bytes of an archive, within the timeout for its size.
    async fn fill(&self, source: &Source, storage: &dyn Storage, archive: &mut ArchiveDownload) -> Result<()> {
        let reader = storage.get(&source.pfn, archive.resume_request().as_ref()).await?;
        self.emit(FileEvent::FetchingArchive { pfn: &source.pfn, bytes: reader.length });
        let seconds = self.downloader.options.attempt_timeout.for_size(reader.length);
        let filling = archive.append(reader, |bytes| self.emit(FileEvent::ArchiveReceived(bytes)));
        match seconds.map(Duration::from_secs) {
            None => filling.await,
            Some(limit) => tokio::time::timeout(limit, filling).await.unwrap_or_else(|_| {
                Err(StorageError::new(
                    StorageErrorKind::TimedOut,
                    format!("the archive took longer than {}s", limit.as_secs()),
                ))
            }),
        }
    }
}

impl ArchiveDownload {
    fn resume_request(&self) -> Option<ResumeFrom> {
        if self.received == 0 {
            return None;
        }
        Some(ResumeFrom { start: self.received, whole: self.length, version: Some(self.version.clone()?) })
    }

    /// Stores the bytes, and reports their number.
    async fn append(&mut self, mut reader: ObjectReader, report: impl Fn(u64)) -> Result<()> {
        (self.length, self.version) = (reader.length, reader.version.clone());
        self.seek_to(reader.start).await.map_err(|error| write_error(&error))?;
        report(reader.start);
        let length = reader.length.unwrap_or(u64::MAX);
        while let Some(chunk) = reader.next().await? {
            self.file.write_all(&chunk).await.map_err(|error| write_error(&error))?;
            self.received += chunk.len() as u64;
            report(chunk.len() as u64);
            if self.received > length {
                return Err(StorageError::new(StorageErrorKind::Refused, "the storage sent more than the archive"));
            }
        }
        self.file.flush().await.map_err(|error| write_error(&error))?;
        match reader.length {
            Some(length) if length != self.received => {
                Err(StorageError::new(StorageErrorKind::Transient, format!("{} of {length} bytes came", self.received)))
            }
            _ => Ok(()),
        }
    }

    /// Seeks to `start` and truncates: a cancelled attempt may have written more than was counted.
    async fn seek_to(&mut self, start: u64) -> io::Result<()> {
        self.received = start;
        self.file.flush().await?;
        self.file.set_len(start).await?;
        self.file.seek(io::SeekFrom::Start(start)).await.map(drop)
    }
}

/// Returns the error if the archive cannot be written to the target folder. Another source may have the file itself,
/// which is smaller.
fn write_error(error: &io::Error) -> StorageError {
    StorageError::new(StorageErrorKind::Refused, format!("the archive cannot be kept in the target folder: {error}"))
}
