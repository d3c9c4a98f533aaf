//! Downloads one file: checks whether it exists already, else tries one source after the other into a temporary file,
//! which is verified and then renamed. Which files, and how many at a time, is decided in `plan` and `scheduler`;
//! protocols are in `storage`.

mod attempt;
mod attempt_error;
mod leftover;
mod local;
pub mod source;
mod split;
pub mod target_folder;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

pub use local::is_right;

use super::checksum::Checksum;
use super::clock;
use super::events::{DownloadObserver, FileEvent};
use super::job::{DownloadOutcome, Duplicate, Fetched, FileJob, LARGE};
use super::limits::attempt_timeout::AttemptTimeout;
use super::limits::connection_budget::ConnectionBudget;
use super::limits::host_limits::HostLimits;
use super::limits::rate::Rate;
use super::limits::wait_budget::WaitBudget;
use super::trace::{Fields, Trace, Tracer};
use crate::http::Client;
use crate::storage::Storages;
use source::archives::Archives;
use source::implementations::Implementations;
use source::rse_protocols::RseProtocols;
use target_folder::TargetFolder;

/// Maximum number of attempts per source, as in the official client: request, transfer and verification together.
pub const ATTEMPTS: u32 = 2;
/// Maximum time without progress of another process that downloads the same file, before we download it too. Chosen: that
/// process may itself wait for a slow storage.
const OTHER_PROCESS_TIMEOUT: Duration = Duration::from_secs(30);

/// The user's options for every file.
#[derive(Debug, Clone, Copy, Default)]
pub struct DownloadOptions {
    /// Accept received and existing files without verification.
    pub ignore_checksum: bool,
    /// Accept an existing file if its size is right.
    pub local_by_size: bool,
    /// Time limits of an attempt.
    pub attempt_timeout: AttemptTimeout,
    /// How long a file may wait for busy storages and for its copy from tape; without it, the time limit of an attempt.
    pub wait: Option<Duration>,
}

impl DownloadOptions {
    /// Returns the time that a file may wait for storages.
    fn wait_budget(&self) -> WaitBudget {
        match self.wait {
            Some(limit) => WaitBudget::with_limit(Some(limit)),
            None => WaitBudget::new(self.attempt_timeout),
        }
    }
}

/// Downloads single files; usable concurrently.
pub struct Downloader<'a> {
    /// Storages to read from.
    pub storages: &'a Storages,
    /// Cache of downloaded archives.
    archives: Archives,
    /// Limits on requests per host.
    host_limits: HostLimits,
    /// The target folder.
    pub folder: &'a TargetFolder,
    /// The user's options.
    pub options: DownloadOptions,
    /// The rate limit, if any.
    pub rate: Option<&'a Rate>,
    /// The limit on connections.
    pub connection_budget: ConnectionBudget,
    /// The Rucio server, for new signatures of expired URLs; `None` without a server.
    pub client: Option<&'a Client>,
    /// The requested protocol implementations; `None` if any will do.
    pub implementations: Option<Implementations<'a>>,
    /// The protocols of RSEs, to check local paths that the server names; `None` if the user named them.
    pub rse_protocols: Option<RseProtocols<'a>>,
    /// Receiver of events.
    pub observer: &'a dyn DownloadObserver,
    /// Sender of traces, if any.
    pub tracer: Option<&'a Tracer>,
    /// Fields common to all traces.
    pub common_trace: &'a Fields,
}

/// The reason why a file was given up.
enum GiveUp {
    /// All sources failed, for these reasons.
    Sources(String),
    /// It cannot be written locally.
    Local(String),
}

/// A downloaded file with its final name, and the start of its transfer.
struct Downloaded {
    path: PathBuf,
    start: SystemTime,
    checksum: Checksum,
}

impl<'a> Downloader<'a> {
    /// Creates a downloader without rate limit, traces, or server.
    pub fn new(
        storages: &'a Storages,
        folder: &'a TargetFolder,
        observer: &'a dyn DownloadObserver,
        common_trace: &'a Fields,
    ) -> Self {
        Self {
            storages,
            archives: Archives::default(),
            host_limits: HostLimits::default(),
            folder,
            options: DownloadOptions::default(),
            rate: None,
            connection_budget: ConnectionBudget::shared(LARGE),
            client: None,
            implementations: None,
            rse_protocols: None,
            observer,
            tracer: None,
            common_trace,
        }
    }

    /// Downloads a file, unless it exists already. `slot` is passed on to the observer.
    pub async fn fetch(&self, job: &FileJob, slot: usize) -> DownloadOutcome {
        let download = FileDownload { downloader: self, job, slot };
        download.emit(FileEvent::Started);
        if let Duplicate::Later(first) = &job.duplicate {
            return download.copy_from_duplicate(first.wait().await).await;
        }
        let fetched = download.fetch().await;
        let outcome = fetched.outcome;
        if let Duplicate::First(cell) = &job.duplicate {
            // Cannot fail: this job alone sets the cell, once.
            let _ = cell.set(fetched);
        }
        outcome
    }
}

struct FileDownload<'a> {
    downloader: &'a Downloader<'a>,
    job: &'a FileJob,
    slot: usize,
}

impl FileDownload<'_> {
    fn emit(&self, event: FileEvent<'_>) {
        self.downloader.observer.file(self.slot, self.job, event);
    }

    async fn fetch(&self) -> Fetched {
        let mut trace = Trace::new(self.downloader.common_trace, self.job);
        let destinations = match self.prepare_destinations() {
            Ok(destinations) => destinations,
            Err(reason) => return self.give_up(&reason),
        };
        match self.find_existing(&destinations).await {
            Err(reason) => return self.give_up(&reason),
            Ok(Some(path)) => return self.already_done(path, &destinations, trace).await,
            Ok(None) => {}
        }
        let Some(destination) = destinations.first() else { return self.no_source(trace) };
        if self.job.sources.is_empty() {
            return self.no_source(trace);
        }
        let Some(resume_state) = self.find_leftover(destination, OTHER_PROCESS_TIMEOUT).await else {
            return self.already_done(destination.clone(), &destinations, trace).await;
        };
        match self.try_sources(destination, resume_state, &mut trace).await {
            Ok(downloaded) => self.finish(downloaded, &destinations, trace).await,
            Err(GiveUp::Sources(reasons)) => {
                self.emit(FileEvent::Failed(&reasons));
                Fetched { outcome: DownloadOutcome::Failed, path: None }
            }
            Err(GiveUp::Local(reason)) => {
                trace.set("clientState", DownloadOutcome::Failed.as_str());
                trace.set("stateReason", reason.as_str());
                self.send(trace);
                self.give_up(&reason)
            }
        }
    }

    /// Returns the local paths of the file, and creates their folders. A file with an obstacle needs none.
    fn prepare_destinations(&self) -> Result<Vec<PathBuf>, String> {
        match &self.job.obstacle {
            Some(obstacle) => Err(obstacle.clone()),
            None => local::prepare_destinations(self.downloader.folder, &self.job.destinations)
                .map_err(|error| error.to_string()),
        }
    }

    async fn finish(&self, downloaded: Downloaded, destinations: &[PathBuf], mut trace: Trace) -> Fetched {
        let end = clock::system_time();
        if let Err(error) = self.copy_to_all(&downloaded.path, destinations).await {
            return self.give_up(&error.to_string());
        }
        trace.set_times(downloaded.start, end);
        trace.set("clientState", DownloadOutcome::Done.as_str());
        trace.set("stateReason", "OK");
        self.send(trace);
        if downloaded.checksum == Checksum::Unknown && !self.downloader.options.ignore_checksum {
            self.emit(FileEvent::Unverified);
        }
        let time = end.duration_since(downloaded.start).unwrap_or_default();
        self.emit(FileEvent::Done { time, checksum: downloaded.checksum });
        Fetched { outcome: DownloadOutcome::Done, path: Some(downloaded.path) }
    }

    async fn already_done(&self, path: PathBuf, destinations: &[PathBuf], mut trace: Trace) -> Fetched {
        if let Err(error) = self.copy_to_all(&path, destinations).await {
            return self.give_up(&error.to_string());
        }
        self.emit(FileEvent::AlreadyThere);
        let now = clock::system_time();
        trace.set_times(now, now);
        trace.set("clientState", DownloadOutcome::AlreadyDone.as_str());
        self.send(trace);
        Fetched { outcome: DownloadOutcome::AlreadyDone, path: Some(path) }
    }

    fn no_source(&self, mut trace: Trace) -> Fetched {
        self.emit(FileEvent::NoSource);
        trace.set("clientState", DownloadOutcome::FileNotFound.as_str());
        trace.set("stateReason", "No available sources");
        self.send(trace);
        Fetched { outcome: DownloadOutcome::FileNotFound, path: None }
    }

    /// Reports that the file cannot be written locally.
    fn give_up(&self, reason: &str) -> Fetched {
        self.emit(FileEvent::Obstacle(reason));
        Fetched { outcome: DownloadOutcome::Failed, path: None }
    }

    /// Copies the file that another job has downloaded.
    async fn copy_from_duplicate(&self, first: &Fetched) -> DownloadOutcome {
        let Some(path) = &first.path else {
            self.emit(FileEvent::Failed("the download for its other destination failed"));
            return first.outcome;
        };
        let copied = match self.prepare_destinations() {
            Ok(destinations) => self.copy_to_all(path, &destinations).await.map_err(|error| error.to_string()),
            Err(reason) => Err(reason),
        };
        match copied {
            Ok(()) => first.outcome,
            Err(reason) => self.give_up(&reason).outcome,
        }
    }

    fn send(&self, trace: Trace) {
        if let Some(tracer) = self.downloader.tracer {
            tracer.send(trace);
        }
    }
}
