//! One file's life: is it there already? Else from one source after the other into a temporary file, verified, and
//! given its name last.

mod attempt;
mod bound;
mod failure;
mod left;
mod local;
mod partial;
mod renew;
mod sources;
mod split;
#[cfg(test)]
mod tests;
mod unpack;
mod waits;

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use left::Left;

pub use bound::Bound;
pub use local::is_right;

use super::archives::Archives;
use super::checksum::Checksum;
use super::clock;
use super::events::{FileEvent, Observer};
use super::hosts::Hosts;
use super::implementations::Implementations;
use super::job::{Fetched, FileJob, LARGE, Outcome, Twin};
use super::patience::Patience;
use super::place::TargetFolder;
use super::rate::Rate;
use super::trace::{Fields, Trace, Tracer};
use crate::http::Client;
use crate::storage::Storages;

/// How often one source is tried: over asking, reading and verifying together.
pub const ATTEMPTS: u32 = 2;
/// How long another process that downloads the same file may make no progress before we do it ourselves.
const PATIENCE_WITH_OTHERS: Duration = Duration::from_secs(30);

/// What the user wants of every file.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Whatever comes is taken as right, and whatever is there too.
    pub ignore_checksum: bool,
    /// A file that is there is taken as right if it has the right size.
    pub local_by_size: bool,
    /// How long an attempt may take.
    pub patience: Patience,
}

/// Downloads files, any number at a time.
pub struct Downloader<'a> {
    /// Where files come from.
    pub storages: &'a Storages,
    /// The archives that files have been taken out of.
    pub archives: Archives,
    /// How much the hosts that they come from can do at a time.
    pub hosts: Hosts,
    /// Where they go.
    pub folder: &'a TargetFolder,
    /// What the user wants.
    pub options: Options,
    /// How many bytes may come in a second, if there is a limit.
    pub rate: Option<&'a Rate>,
    /// How many connections the files may have.
    pub bound: Bound,
    /// The server, which signs anew what has ended in the queue; none if there is none.
    pub client: Option<&'a Client>,
    /// Which implementations of protocols are asked for; none if any will do.
    pub implementations: Option<Implementations<'a>>,
    /// Who is told what happens.
    pub observer: &'a dyn Observer,
    /// Where traces are sent, if they are.
    pub tracer: Option<&'a Tracer>,
    /// What all traces have in common.
    pub common_trace: &'a Fields,
}

/// Why there is no file.
enum Hopeless {
    /// No source gave it, each for its reason.
    Sources(String),
    /// It cannot be written here.
    Here(String),
}

/// A file that is in its place, and when its transfer began and ended.
struct Fresh {
    path: PathBuf,
    start: SystemTime,
    checksum: Checksum,
}

impl<'a> Downloader<'a> {
    /// Fetches from these storages into this folder: without limit on the rate, traces, or help of the server.
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

    /// Downloads a file, if it is not there. `lane` is passed on to the observer.
    pub async fn fetch(&self, job: &FileJob, lane: usize) -> Outcome {
        let run = Run { all: self, job, lane };
        run.tell(FileEvent::Started);
        if let Twin::Later(first) = &job.twin {
            return run.follow(first.wait().await).await;
        }
        let fetched = run.fetch().await;
        let outcome = fetched.outcome;
        if let Twin::First(cell) = &job.twin {
            // It is set once, here, by the one job that has it.
            let _ = cell.set(fetched);
        }
        outcome
    }
}

/// One file under way.
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

    /// The places of the file on the disk, with their folders made. A file nobody can have needs none.
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

    /// The file cannot be written here, whatever the sources say.
    fn give_up(&self, reason: &str) -> Fetched {
        self.tell(FileEvent::Obstacle(reason));
        Fetched { outcome: Outcome::Failed, path: None }
    }

    /// The same file has been fetched by another job: a copy is all that is needed.
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
