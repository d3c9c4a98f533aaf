//! Uploads files: write under a temporary name and sum what is sent, verify, rename, update the catalogue. Where a file is
//! registered before it is written, its checksums are computed first.
//! [`local`] finds the files, [`target`] determines the PFN, `catalogue` registers, `transfer` writes, `rename`
//! renames; `steps` drives one file through all of them. Storage protocols are in [`crate::storage::write`].

mod attach;
mod batcher;
mod catalogue;
pub mod events;
mod file_upload;
pub mod folders;
mod leftovers;
pub mod local;
mod names;
mod steps;
pub mod target;
mod transfer;
mod undo_registration;

use std::collections::HashSet;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use tokio::sync::Semaphore;

use attach::Attacher;
use catalogue::Catalogue;
use events::{UploadEvent, UploadObserver};
use file_upload::{FileUpload, UploadError};
use leftovers::Leftovers;
use local::{LocalFile, LocalState, Measured};

use super::job::LARGE;
use super::trace::{Fields, Tracer};
use crate::error::Error;
use crate::http::Client;
use crate::storage::{Pfn, StorageErrorKind, Storages};
use crate::types::{RseSettings, implementation_class};

/// Maximum number of large files at a time, as in downloads by the official client (`--ndownloader`).
const CONCURRENT_LARGE_FILES: usize = 3;
/// Maximum number of files being measured or written at a time: for small files the storage's latency is the limit.
const CONCURRENT_TRANSFERS: usize = 16;
/// Maximum number of files in progress, including those waiting for the catalogue. A catalogue call takes long, however
/// many files are in it, so more files may queue for the next one than a storage should receive at once.
const CONCURRENT_FILES: usize = 100;
/// Maximum concurrency for programs that log in for each step: servers refuse more (`MaxStartups` of OpenSSH is 10).
const CONCURRENT_LOGINS: usize = 4;
/// Timeout for the deletion of one leftover file. Chosen: a user who pressed Ctrl-C waits for it.
const CLEAN_UP_TIMEOUT: Duration = Duration::from_secs(20);

/// When a file is registered in the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registration {
    /// Before it is written, in state copying; set to available afterwards.
    Before,
    /// After it is written.
    After,
    /// Never.
    Never,
}

/// UploadOptions for all files of an upload.
#[derive(Debug)]
pub struct UploadOptions {
    /// Destination RSE.
    pub rse: RseSettings,
    /// `wan` or `lan`.
    pub domain: &'static str,
    /// Allowed schemes, separated by commas.
    pub schemes: Option<String>,
    /// Protocol implementation (a class name of the official client, as set on the RSE's protocols).
    pub implementation: Option<String>,
    /// Exact PFN to upload to.
    pub pfn: Option<Pfn>,
    /// When to register the files.
    pub registration: Registration,
    /// Lifetime of new rules in seconds.
    pub lifetime: Option<i64>,
    /// Abort if the storage accepts no data for this long; `None`: never.
    pub idle_timeout: Option<Duration>,
    /// Skip the verification of what has been written.
    pub skip_stat: bool,
    /// Account that owns the rules and whose scopes are checked.
    pub account: String,
    /// Algorithm to use where the RSE has `default` or none.
    pub default_algorithm: String,
}

/// Uploads files to one RSE.
pub struct Uploader<'a> {
    /// Client for the catalogue.
    pub client: &'a Client,
    /// Storage clients.
    pub storages: &'a Storages,
    /// UploadOptions.
    pub options: UploadOptions,
    /// Receiver of the events.
    pub observer: &'a dyn UploadObserver,
    /// Sender of traces, if enabled.
    pub tracer: Option<&'a Tracer>,
    /// Fields common to all traces.
    pub common_trace: Fields,
    catalogue: Catalogue,
    attacher: Attacher,
    leftovers: Leftovers,
    transfers: Semaphore,
    logins: Semaphore,
}

/// Outcome of the upload of one file.
#[derive(Debug)]
pub enum UploadOutcome {
    /// The file was uploaded, or its missing registration was completed.
    Done(Uploaded),
    /// The file already existed.
    AlreadyThere(Option<Uploaded>),
    /// The upload failed. `uploaded` is set if the file was written; `error` is the rejection by catalogue or storage
    /// that decides the exit code, if any.
    Failed {
        /// Reason.
        reason: String,
        /// Error that decides the exit code.
        error: Option<Error>,
        /// The file at the storage.
        uploaded: Option<Uploaded>,
    },
}

/// A file that was written to the storage.
#[derive(Debug, Clone)]
pub struct Uploaded {
    /// Size, checksums and GUID.
    pub measured: Measured,
    /// PFN.
    pub pfn: Pfn,
}

impl<'a> Uploader<'a> {
    /// Creates an uploader.
    pub fn new(
        client: &'a Client,
        storages: &'a Storages,
        options: UploadOptions,
        observer: &'a dyn UploadObserver,
    ) -> Self {
        Self {
            client,
            storages,
            options,
            observer,
            tracer: None,
            common_trace: Fields::new(),
            catalogue: Catalogue::default(),
            attacher: Attacher::default(),
            leftovers: Leftovers::new(),
            transfers: Semaphore::new(CONCURRENT_TRANSFERS),
            logins: Semaphore::new(CONCURRENT_LOGINS),
        }
    }

    /// Uploads files concurrently and returns the outcomes in the order of the files. Stops at once if dropped, best
    /// when it is [settled](Self::settled); [`Self::clean_up`] then deletes what may be left at the storage.
    pub async fn run(&self, files: &[LocalFile]) -> Vec<UploadOutcome> {
        let large = Semaphore::new(CONCURRENT_LARGE_FILES);
        let mut names = HashSet::new();
        // The first file of each name runs concurrently; later ones of the same name run afterwards and find it
        // uploaded.
        let (first, later): (Vec<_>, Vec<_>) = (0..files.len()).partition(|index| names.insert(&files[*index].did));
        let one = |index: usize| {
            let (file, large) = (&files[index], &large);
            async move {
                let _permit = if file.bytes >= LARGE { large.acquire().await.ok() } else { None };
                let outcome = self.upload(file).await;
                self.observer.file(file, UploadEvent::Ended(&outcome));
                (index, outcome)
            }
        };
        let mut outcomes: Vec<_> = stream::iter(first).map(one).buffer_unordered(CONCURRENT_FILES).collect().await;
        for index in later {
            outcomes.push(one(index).await);
        }
        outcomes.sort_by_key(|(index, _)| *index);
        outcomes.into_iter().map(|(_, outcome)| outcome).collect()
    }

    /// Waits until no lock is being created at a storage: one whose creation is dropped could not be deleted, as it may be
    /// another process's. [`Self::run`] has to be polled meanwhile.
    pub async fn settled(&self) {
        self.leftovers.settled().await;
    }

    /// Deletes the leftover temporary files and locks of an interrupted run, as far as the storage allows it.
    pub async fn clean_up(&self) {
        stream::iter(self.leftovers.all())
            .for_each_concurrent(CONCURRENT_TRANSFERS, |pfn| async move { self.delete_leftover(&pfn).await })
            .await;
    }

    /// Returns the number of temporary files and locks that may be at the storage.
    pub fn leftovers(&self) -> usize {
        self.leftovers.all().len()
    }

    async fn upload(&self, file: &LocalFile) -> UploadOutcome {
        self.observer.file(file, UploadEvent::Started);
        if !self.options.rse.deterministic && self.options.pfn.is_none() {
            let reason = "PFN has to be defined for NON-DETERMINISTIC RSE.".to_owned();
            return self.failed(file, UploadError::File(reason), None);
        }
        match LocalState::new(file).await {
            Ok(local) => FileUpload::new(self, file, local).register_and_upload().await,
            Err(error) => self.failed(file, UploadError::Refused(error), None),
        }
    }

    fn failed(&self, file: &LocalFile, failure: UploadError, uploaded: Option<Uploaded>) -> UploadOutcome {
        let reason = file_upload::reason(&failure);
        self.observer.file(file, UploadEvent::Failed { reason: &reason });
        let error = match failure {
            UploadError::Refused(error) => Some(error),
            UploadError::File(_) | UploadError::Changed => None,
        };
        UploadOutcome::Failed { reason, error, uploaded }
    }

    /// Releases a lock that this run holds.
    async fn unlock(&self, lock: &Pfn) {
        self.discard(lock).await;
        self.leftovers.remove(lock);
    }

    /// Deletes a leftover, which stays one if that fails.
    async fn delete_leftover(&self, pfn: &Pfn) {
        if self.discard(pfn).await {
            self.leftovers.remove(pfn);
        }
    }

    /// Deletes a leftover file; a failure is only logged. Returns whether it is gone.
    async fn discard(&self, pfn: &Pfn) -> bool {
        let Ok(writer) = self.storages.writer(pfn) else { return false };
        // The query string may contain a signature: do not log it.
        let shown = pfn.without_query();
        match tokio::time::timeout(CLEAN_UP_TIMEOUT, writer.delete(pfn)).await {
            Ok(Err(error)) if error.kind != StorageErrorKind::NotFound => {
                tracing::debug!("{shown} is left behind: {error}");
                false
            }
            Err(_) => {
                tracing::debug!("{shown} is left behind");
                false
            }
            Ok(_) => true,
        }
    }
}

impl UploadOptions {
    /// Returns the full class name (of the official client) of the requested implementation.
    fn implementation(&self) -> Option<String> {
        self.implementation.as_deref().map(implementation_class)
    }
}
