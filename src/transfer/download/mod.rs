//! Downloads one file: checks whether it exists already, else tries one source after the other into a temporary file,
//! which is verified and then renamed. Which files, and how many at a time, is decided in `plan` and `scheduler`;
//! protocols are in `storage`.

mod attempt;
mod attempt_error;
mod connection_budget;
mod leftover;
mod local;
mod renew_signature;
mod resume_state;
mod sources;
mod split;
#[cfg(test)]
mod tests;
mod throttle_time;
mod unpack;

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use leftover::Left;

pub use connection_budget::Bound;
pub use local::is_right;

use super::archives::Archives;
use super::attempt_timeout::Patience;
use super::checksum::Checksum;
use super::clock;
use super::events::{FileEvent, Observer};
use super::host_limits::Hosts;
use super::implementations::Implementations;
use super::job::{Fetched, FileJob, LARGE, Outcome, Twin};
use super::rate::Rate;
use super::target_folder::TargetFolder;
use super::trace::{Fields, Trace, Tracer};
use crate::http::Client;
use crate::storage::Storages;

/// Maximum number of attempts per source: request, transfer and verification together.
pub const ATTEMPTS: u32 = 2;
/// Maximum time without progress of another process that downloads the same file, before we download it too.
const PATIENCE_WITH_OTHERS: Duration = Duration::from_secs(30);

/// The user's options for every file.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Accept received and existing files without verification.
    pub ignore_checksum: bool,
    /// Accept an existing file if its size is right.
    pub local_by_size: bool,
    /// Time limits of an attempt.
    pub patience: Patience,
}

/// Downloads single files; usable concurrently.
pub struct Downloader<'a> {
    /// Storages to read from.
    pub storages: &'a Storages,
    /// Cache of downloaded archives.
    pub archives: Archives,
    /// Limits on requests per host.
    pub hosts: Hosts,
    /// The target folder.
    pub folder: &'a TargetFolder,
    /// The user's options.
    pub options: Options,
    /// The rate limit, if any.
    pub rate: Option<&'a Rate>,
    /// The limit on connections.
    pub bound: Bound,
    /// The Rucio server, for new signatures of expired URLs; `None` without a server.
    pub client: Option<&'a Client>,
    /// The requested protocol implementations; `None` if any will do.
    pub implementations: Option<Implementations<'a>>,
    /// Receiver of events.
    pub observer: &'a dyn Observer,
    /// Sender of traces, if any.
    pub tracer: Option<&'a Tracer>,
    /// Fields common to all traces.
    pub common_trace: &'a Fields,
}

/// The reason why a file was given up.
enum Hopeless {
    /// All sources failed, for these reasons.
    Sources(String),
    /// It cannot be written locally.
    Here(String),
}

/// A downloaded file with its final name, and the start of its transfer.
struct Fresh {
    path: PathBuf,
    start: SystemTime,
    checksum: Checksum,
}

impl<'a> Downloader<'a> {
    /// Creates a downloader without rate limit, traces, or server.
    pub fn new(
        storages: &'a Storages,
        folder: &'a TargetFolder,
        observer: &'a dyn Observer,
        common_trace: &'a Fields,
    ) -> Self {
        Self {
            storages,
            archives: Archives::default(),
            hosts: Hosts::default(),
            folder,
            options: Options::default(),
            rate: None,
            bound: Bound::shared(LARGE),
            client: None,
            implementations: None,
            observer,
            tracer: None,
            common_trace,
        }
    }

    /// Downloads a file, unless it exists already. `lane` is passed on to the observer.
    pub async fn fetch(&self, job: &FileJob, lane: usize) -> Outcome {
        let run = Run { all: self, job, lane };
        run.tell(FileEvent::Started);
        if let Twin::Later(first) = &job.twin {
            return run.follow(first.wait().await).await;
        }
        let fetched = run.fetch().await;
        let outcome = fetched.outcome;
        if let Twin::First(cell) = &job.twin {
            // Cannot fail: this job alone sets the cell, once.
            let _ = cell.set(fetched);
        }
        outcome
    }
}

struct Run<'a> {
    all: &'a Downloader<'a>,
    job: &'a FileJob,
    lane: usize,
}

impl Run<'_> {
    fn tell(&self, event: FileEvent<'_>) {
        self.all.observer.file(self.lane, self.job, event);
    }

    async fn fetch(&self) -> Fetched {
        let mut trace = Trace::new(self.all.common_trace, self.job);
        let places = match self.places() {
            Ok(places) => places,
            Err(reason) => return self.give_up(&reason),
        };
        match self.already_there(&places).await {
            Err(reason) => return self.give_up(&reason),
            Ok(Some(path)) => return self.already_done(path, &places, trace).await,
            Ok(None) => {}
        }
        let Some(place) = places.first().filter(|_| !self.job.sources.is_empty()) else {
            return self.no_source(trace);
        };
        let partial = match self.left(place, PATIENCE_WITH_OTHERS).await {
            Left::Done => return self.already_done(place.clone(), &places, trace).await,
            Left::Partial(partial) => *partial,
        };
        match self.try_sources(place, partial, &mut trace).await {
            Ok(fresh) => self.finish(fresh, &places, trace).await,
            Err(Hopeless::Sources(reasons)) => {
                self.tell(FileEvent::Failed(&reasons));
                Fetched { outcome: Outcome::Failed, path: None }
            }
            Err(Hopeless::Here(reason)) => {
                trace.set("clientState", Outcome::Failed.as_str());
                trace.set("stateReason", reason.as_str());
                self.send(trace);
                self.give_up(&reason)
            }
        }
    }

    /// Returns the local paths of the file, and creates their folders. A file with an obstacle needs none.
    fn places(&self) -> Result<Vec<PathBuf>, String> {
        match &self.job.obstacle {
            Some(obstacle) => Err(obstacle.clone()),
            None => local::places(self.all.folder, &self.job.destinations).map_err(|error| error.to_string()),
        }
    }

    async fn finish(&self, fresh: Fresh, places: &[PathBuf], mut trace: Trace) -> Fetched {
        let end = clock::now();
        if let Err(error) = self.spread(&fresh.path, places).await {
            return self.give_up(&error.to_string());
        }
        trace.set_times(fresh.start, end);
        trace.set("clientState", Outcome::Done.as_str());
        trace.set("stateReason", "OK");
        self.send(trace);
        if fresh.checksum == Checksum::Unknown && !self.all.options.ignore_checksum {
            self.tell(FileEvent::Unverified);
        }
        let time = end.duration_since(fresh.start).unwrap_or_default();
        self.tell(FileEvent::Done { time, checksum: fresh.checksum });
        Fetched { outcome: Outcome::Done, path: Some(fresh.path) }
    }

    async fn already_done(&self, path: PathBuf, places: &[PathBuf], mut trace: Trace) -> Fetched {
        if let Err(error) = self.spread(&path, places).await {
            return self.give_up(&error.to_string());
        }
        self.tell(FileEvent::AlreadyThere);
        let now = clock::now();
        trace.set_times(now, now);
        trace.set("clientState", Outcome::AlreadyDone.as_str());
        self.send(trace);
        Fetched { outcome: Outcome::AlreadyDone, path: Some(path) }
    }

    fn no_source(&self, mut trace: Trace) -> Fetched {
        self.tell(FileEvent::NoSource);
        trace.set("clientState", Outcome::FileNotFound.as_str());
        trace.set("stateReason", "No available sources");
        self.send(trace);
        Fetched { outcome: Outcome::FileNotFound, path: None }
    }

    /// Reports that the file cannot be written locally.
    fn give_up(&self, reason: &str) -> Fetched {
        self.tell(FileEvent::Obstacle(reason));
        Fetched { outcome: Outcome::Failed, path: None }
    }

    /// Copies the file that another job has downloaded.
    async fn follow(&self, first: &Fetched) -> Outcome {
        let Some(path) = &first.path else {
            self.tell(FileEvent::Failed("it could not be had for the other place either"));
            return first.outcome;
        };
        let copied = match self.places() {
            Ok(places) => self.spread(path, &places).await.map_err(|error| error.to_string()),
            Err(reason) => Err(reason),
        };
        match copied {
            Ok(()) => first.outcome,
            Err(reason) => self.give_up(&reason).outcome,
        }
    }

    fn send(&self, trace: Trace) {
        if let Some(tracer) = self.all.tracer {
            tracer.send(trace);
        }
    }
}
