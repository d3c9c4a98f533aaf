//! Many files at a time, but not too many: bounded workers over a queue that is still being filled.

use std::collections::HashMap;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{Mutex, Semaphore, mpsc};

use super::download::Downloader;
use super::job::{FileJob, Outcome};

/// A file of this size or more has a lane for itself: the network is the limit. Smaller ones share a lane: there the
/// answer time of the storage is.
const LARGE: u64 = 8 * 1024 * 1024;
/// How many small files share a lane, where the user says nothing.
const SMALL_PER_LANE: usize = 6;

/// How many files are fetched at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lanes {
    /// How many large files.
    pub lanes: usize,
    /// How many small files in each lane.
    pub small_per_lane: usize,
}

impl Lanes {
    /// Where the user says nothing: this many large files, and several small ones in place of each.
    pub fn shared(lanes: usize) -> Self {
        Self { lanes: lanes.max(1), small_per_lane: SMALL_PER_LANE }
    }

    /// Exactly as many files as the user says, whatever their size.
    pub fn exactly(lanes: usize) -> Self {
        Self { lanes: lanes.max(1), small_per_lane: 1 }
    }
}

/// How many files ended how, for each requested DID.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Tally {
    /// By the place among the requested DIDs.
    pub requests: HashMap<usize, Count>,
    /// All files.
    pub total: Count,
}

/// How many files ended how.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// All of them.
    pub files: u64,
    /// Downloaded.
    pub done: u64,
    /// There already.
    pub already_done: u64,
}

impl Count {
    fn add(&mut self, outcome: Outcome) {
        self.files += 1;
        match outcome {
            Outcome::Done => self.done += 1,
            Outcome::AlreadyDone => self.already_done += 1,
            Outcome::FileNotFound | Outcome::Failed => {}
        }
    }

    /// Those that are not there now.
    pub fn failed(&self) -> u64 {
        self.files - self.done - self.already_done
    }
}

impl Tally {
    fn add(&mut self, job: &FileJob, outcome: Outcome) {
        self.total.add(outcome);
        for request in &job.requests {
            self.requests.entry(*request).or_default().add(outcome);
        }
    }
}

/// Downloads all files of a queue. Dropped, it stops at once and leaves no half-written file.
pub async fn run(downloader: &Downloader<'_>, jobs: mpsc::Receiver<FileJob>, lanes: Lanes) -> Tally {
    let shared = Shared { jobs: Mutex::new(jobs), large: Semaphore::new(lanes.lanes), tally: Mutex::default() };
    let workers = (0..lanes.lanes * lanes.small_per_lane).map(|worker| work(downloader, &shared, worker % lanes.lanes));
    workers.collect::<FuturesUnordered<_>>().collect::<()>().await;
    shared.tally.into_inner()
}

struct Shared {
    jobs: Mutex<mpsc::Receiver<FileJob>>,
    large: Semaphore,
    tally: Mutex<Tally>,
}

async fn work(downloader: &Downloader<'_>, shared: &Shared, lane: usize) {
    loop {
        let next = shared.jobs.lock().await.recv().await;
        let Some(job) = next else { return };
        let _permit = match job.bytes.is_none_or(|bytes| bytes >= LARGE) {
            true => shared.large.acquire().await.ok(),
            false => None,
        };
        let outcome = downloader.fetch(&job, lane).await;
        shared.tally.lock().await.add(&job, outcome);
    }
}
