//! One file's life on its way up: measured in one read, registered, written under a temporary name, verified at the
//! storage, given its name, and told to the catalogue. [`local`] finds the files, [`target`] says where they go,
//! `catalogue` registers, `transfer` writes, `rename` gives the name; `run` is what does it all for one file.

mod attach;
mod catalogue;
pub mod events;
pub mod folders;
pub mod local;
mod lots;
mod names;
mod rename;
mod run;
mod take_back;
pub mod target;
mod transfer;

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use tokio::sync::Semaphore;

use attach::Attacher;
use catalogue::Catalogue;
use events::{Observer, UploadEvent};
use local::{Local, Measured};
use run::{Failure, Run};

use super::trace::{Fields, Tracer};
use crate::error::Error;
use crate::http::Client;
use crate::storage::{Kind, Storages};
use crate::types::RseSettings;

/// A file of this size or more shares the network with few others.
const LARGE: u64 = 8 * 1024 * 1024;
/// How many large files at a time.
const LARGE_LANES: usize = 3;
/// How many files are read, or on their way to the storage, at a time: for small ones, its answer time is the limit.
const LANES: usize = 16;
/// How many files are under way at a time, with those that wait for the catalogue. It takes long for each call, whatever
/// the number of files in it; so more of them gather for the next one than a storage would like to take in at once.
const UNDER_WAY: usize = 100;
/// How many at a time by programs that log in for each step: servers refuse more (`MaxStartups` of OpenSSH is 10).
const LOGIN_LANES: usize = 4;
/// How long what is left behind may take to be tidied away, one file.
const TIDY: Duration = Duration::from_secs(20);

/// When the catalogue is told of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registration {
    /// Before it is written, as being copied; and again when it is there.
    Before,
    /// When it is there.
    After,
    /// Never.
    Never,
}

/// What is wanted of all files.
#[derive(Debug)]
pub struct Options {
    /// Where to.
    pub rse: RseSettings,
    /// `wan` or `lan`.
    pub domain: &'static str,
    /// Only by these protocols, joined by commas.
    pub schemes: Option<String>,
    /// Only by this class of the official client, which an RSE names for each protocol.
    pub implementation: Option<String>,
    /// To exactly this place.
    pub pfn: Option<String>,
    /// When to register.
    pub registration: Registration,
    /// Seconds that new rules live.
    pub lifetime: Option<i64>,
    /// How long a storage may be silent; none for any time.
    pub patience: Option<Duration>,
    /// Whether what has been written is not looked at.
    pub skip_stat: bool,
    /// The account whose rules and scopes count.
    pub account: String,
    /// The algorithm that `default` stands for.
    pub default_algorithm: String,
}

/// Uploads files.
pub struct Uploader<'a> {
    /// The catalogue.
    pub client: &'a Client,
    /// The storages.
    pub storages: &'a Storages,
    /// What is wanted.
    pub options: Options,
    /// Who is told what happens.
    pub observer: &'a dyn Observer,
    /// Where traces are sent, if they are.
    pub tracer: Option<&'a Tracer>,
    /// What all traces have in common.
    pub common_trace: Fields,
    catalogue: Catalogue,
    attacher: Attacher,
    unfinished: Mutex<HashSet<String>>,
    lanes: Semaphore,
    logins: Semaphore,
}

/// How a file ended.
#[derive(Debug)]
pub enum Outcome {
    /// It has been uploaded, or what was missing has been done.
    Done(Uploaded),
    /// It was there already.
    AlreadyThere(Option<Uploaded>),
    /// It could not be done. What has been written, if that succeeded, and the refusal of catalogue or storage that
    /// decides the exit code, if it was one.
    Failed {
        /// Why.
        reason: String,
        /// The refusal.
        error: Option<Error>,
        /// What lies at the storage.
        uploaded: Option<Uploaded>,
    },
}

/// A file that lies at the storage.
#[derive(Debug, Clone)]
pub struct Uploaded {
    /// What was measured.
    pub measured: Measured,
    /// Where it lies.
    pub pfn: String,
}

impl<'a> Uploader<'a> {
    /// An uploader that has not begun.
    pub fn new(client: &'a Client, storages: &'a Storages, options: Options, observer: &'a dyn Observer) -> Self {
        Self {
            client,
            storages,
            options,
            observer,
            tracer: None,
            common_trace: Fields::new(),
            catalogue: Catalogue::default(),
            attacher: Attacher::default(),
            unfinished: Mutex::default(),
            lanes: Semaphore::new(LANES),
            logins: Semaphore::new(LOGIN_LANES),
        }
    }

    /// Uploads files, several at a time; the outcomes are in their order. Dropped, it stops at once; what it may have
    /// left at the storage is for [`Self::tidy`].
    pub async fn run(&self, files: &[Local]) -> Vec<Outcome> {
        let large = Semaphore::new(LARGE_LANES);
        let mut names = HashSet::new();
        // Of files with the same name the first goes with the others; the later ones find it there.
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
        let mut outcomes: Vec<_> = stream::iter(first).map(one).buffer_unordered(UNDER_WAY).collect().await;
        for index in later {
            outcomes.push(one(index).await);
        }
        outcomes.sort_by_key(|(index, _)| *index);
        outcomes.into_iter().map(|(_, outcome)| outcome).collect()
    }

    /// Deletes what an interrupted run left under temporary names, as far as the storage lets us.
    pub async fn tidy(&self) {
        let left: Vec<_> = self.unfinished().drain().collect();
        stream::iter(left).for_each_concurrent(LANES, |pfn| async move { self.discard(&pfn).await }).await;
    }

    async fn upload(&self, file: &Local) -> Outcome {
        let run = Run { all: self, file };
        run.tell(UploadEvent::Started);
        if !self.options.rse.deterministic && self.options.pfn.is_none() {
            let reason = "PFN has to be defined for NON-DETERMINISTIC RSE.".to_owned();
            return run.failed(Failure::File(reason), None);
        }
        let lane = self.lanes.acquire().await;
        let measured = local::measure(file).await;
        drop(lane);
        let measured = match measured {
            Ok(measured) => measured,
            Err(error) => return run.failed(Failure::Refused(error), None),
        };
        run.registered_first(measured).await
    }

    fn unfinished(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.unfinished.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends a lock that we hold.
    async fn unlock(&self, lock: &str) {
        self.discard(lock).await;
        self.unfinished().remove(lock);
    }

    /// Deletes a file that is not to stay. There is nobody who could do more about it.
    async fn discard(&self, pfn: &str) {
        let Ok(writer) = self.storages.writer(pfn) else { return };
        // What stands behind a question mark is a signature.
        let shown = pfn.split('?').next().unwrap_or_default();
        match tokio::time::timeout(TIDY, writer.delete(pfn)).await {
            Ok(Err(error)) if error.kind != Kind::NotFound => tracing::debug!("{shown} is left behind: {error}"),
            Err(_) => tracing::debug!("{shown} is left behind"),
            Ok(_) => {}
        }
    }
}

impl Options {
    /// The class of the official client that is asked for, by its full name.
    fn implementation(&self) -> Option<String> {
        let name = self.implementation.as_deref()?;
        let class = if name.contains('.') { "" } else { ".Default" };
        Some(format!("rucio.rse.protocols.{name}{class}"))
    }
}
