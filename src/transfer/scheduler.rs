//! Downloads many files with a bounded number of workers over a queue that is still being filled. If the storage turns
//! out to have a high latency, more workers start, as most of their time is spent waiting.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{Mutex, Semaphore, mpsc};
use tokio::time::Instant;

use super::download::Downloader;
use super::events::FileEvent;
use super::job::{DownloadOutcome, Duplicate, FileJob, LARGE};

/// Default number of concurrent small files in place of a large one. Chosen; `benches/run
/// relay-200x1MB download-2000` shows the effect of this and the next three.
const SMALL_PER_SLOT: usize = 6;
/// The same if the latency is high.
const FAR_PER_SLOT: usize = 10;
/// Size limit in bytes for latency measurements: a smaller file that takes longer than [`FAR_LATENCY`] indicates a high
/// latency. Larger files say less, and take more memory.
const LIGHT_FILE: u64 = 1024 * 1024;
/// Duration of a small file from which the latency counts as high.
const FAR_LATENCY: Duration = Duration::from_millis(100);

/// Limits on concurrent files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Concurrency {
    /// Number of large files.
    pub slots: usize,
    /// Number of small files in place of each.
    pub small_per_slot: usize,
    /// The same if the latency is high.
    pub far_per_slot: usize,
}

impl Concurrency {
    /// Default limits: this many large files, and several small ones in place of each.
    pub fn shared(slots: usize) -> Self {
        Self { slots: slots.max(1), small_per_slot: SMALL_PER_SLOT, far_per_slot: FAR_PER_SLOT }
    }

    /// Exactly this many files, whatever their size.
    pub fn exactly(slots: usize) -> Self {
        Self { slots: slots.max(1), small_per_slot: 1, far_per_slot: 1 }
    }
}

/// Numbers of files per outcome, for each requested DID.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Tally {
    /// By the index of the requested DID.
    pub requests: HashMap<usize, Count>,
    /// All files, each once.
    pub total: Count,
}

/// Numbers of files per outcome.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// All files.
    pub files: u64,
    /// Downloaded.
    pub done: u64,
    /// Existed already.
    pub already_done: u64,
}

impl Count {
    /// Counts a file with this outcome.
    pub fn add(&mut self, outcome: DownloadOutcome) {
        self.files += 1;
        match outcome {
            DownloadOutcome::Done => self.done += 1,
            DownloadOutcome::AlreadyDone => self.already_done += 1,
            DownloadOutcome::FileNotFound | DownloadOutcome::Failed => {}
        }
    }

    /// Returns the number of files that do not exist now.
    pub fn failed(&self) -> u64 {
        self.files - self.done - self.already_done
    }
}

impl Tally {
    fn add(&mut self, job: &FileJob, outcome: DownloadOutcome) {
        if !matches!(job.duplicate, Duplicate::Later(_)) {
            self.total.add(outcome);
        }
        for request in &job.requests {
            self.requests.entry(*request).or_default().add(outcome);
        }
    }
}

/// Downloads all files of a queue. Dropping the future stops at once; only partial files that can be resumed are kept.
pub async fn run(downloader: &Downloader<'_>, jobs: mpsc::Receiver<FileJob>, slots: Concurrency) -> Tally {
    let (usual, most) = (slots.slots * slots.small_per_slot, slots.slots * slots.far_per_slot);
    let shared = Shared {
        jobs: Mutex::new(jobs),
        large: Semaphore::new(slots.slots),
        reserve: Reserve::new(most.saturating_sub(usual)),
        tally: Mutex::default(),
    };
    let workers = (0..most.max(usual)).map(|worker| {
        let shared = &shared;
        async move {
            if worker < usual || shared.reserve.wait_for_call().await {
                work(downloader, shared, worker % slots.slots).await;
            }
        }
    });
    workers.collect::<FuturesUnordered<_>>().collect::<()>().await;
    shared.tally.into_inner()
}

struct Shared {
    jobs: Mutex<mpsc::Receiver<FileJob>>,
    large: Semaphore,
    reserve: Reserve,
    tally: Mutex<Tally>,
}

/// Additional workers that wait until they are needed.
struct Reserve {
    waiting: AtomicUsize,
    calls: Semaphore,
}

impl Reserve {
    fn new(workers: usize) -> Self {
        Self { waiting: AtomicUsize::new(workers), calls: Semaphore::new(0) }
    }

    /// Starts one of them, if any is left.
    fn call(&self) {
        let one_less = |waiting: usize| waiting.checked_sub(1);
        if self.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok() {
            self.calls.add_permits(1);
        }
    }

    /// Closes the semaphore: waiting workers end, as there are no more jobs.
    fn close(&self) {
        self.calls.close();
    }

    /// Waits to be started. Returns false if the queue ended first.
    async fn wait_for_call(&self) -> bool {
        self.calls.acquire().await.map(|call| call.forget()).is_ok()
    }
}

async fn work(downloader: &Downloader<'_>, shared: &Shared, slot: usize) {
    loop {
        let next = shared.jobs.lock().await.recv().await;
        let Some(job) = next else { return shared.reserve.close() };
        let is_large = job.bytes.is_none_or(|bytes| bytes >= LARGE);
        let _permit = if is_large { shared.large.acquire().await.ok() } else { None };
        let begun = Instant::now();
        let outcome = downloader.fetch(&job, slot).await;
        if job.bytes.is_some_and(|bytes| bytes < LIGHT_FILE)
            && outcome == DownloadOutcome::Done
            && begun.elapsed() > FAR_LATENCY
        {
            shared.reserve.call();
        }
        downloader.observer.file(slot, &job, FileEvent::Ended(outcome));
        shared.tally.lock().await.add(&job, outcome);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::Storages;
    use crate::testing::http_server::{HttpServer, Response};
    use crate::testing::{plain, xrootd};
    use crate::transfer::download::target_folder::TargetFolder;
    use crate::transfer::events::{DownloadObserver, RunEvent};
    use crate::transfer::job::Source;
    use crate::transfer::trace::Fields;
    use crate::types::Did;

    /// Counts the files in progress and their maximum.
    #[derive(Default)]
    struct Most(AtomicUsize, AtomicUsize);

    impl DownloadObserver for Most {
        fn file(&self, _slot: usize, _job: &FileJob, event: FileEvent<'_>) {
            match event {
                FileEvent::Started => {
                    let now = self.0.fetch_add(1, Ordering::SeqCst) + 1;
                    self.1.fetch_max(now, Ordering::SeqCst);
                }
                FileEvent::Done { .. } | FileEvent::AlreadyThere | FileEvent::Failed(_) | FileEvent::NoSource => {
                    self.0.fetch_sub(1, Ordering::SeqCst);
                }
                _ => {}
            }
        }

        fn run(&self, _event: RunEvent<'_>) {}
    }

    /// Downloads `count` files of this size from the local disk; those with an odd number have no source.
    async fn download(count: usize, bytes: usize, slots: Concurrency) -> (Tally, usize) {
        let from = tempfile::tempdir().unwrap();
        let path = from.path().join("f");
        std::fs::write(&path, vec![7; bytes]).unwrap();
        download_from(&format!("file://{}", path.display()), count, bytes, slots).await
    }

    async fn download_from(pfn: &str, count: usize, bytes: usize, slots: Concurrency) -> (Tally, usize) {
        let to = tempfile::tempdir().unwrap();
        let (storages, folder) = (Storages::new(plain(), xrootd()), TargetFolder::new(to.path()).unwrap());
        let (most, common) = (Most::default(), Fields::new());
        let downloader = Downloader::new(&storages, &folder, &most, &common);
        let (sender, jobs) = mpsc::channel(2);
        let source = Source { pfn: pfn.into(), rse: "A".into(), member: None };
        let sending = async move {
            for number in 0..count {
                let mut job = FileJob::unknown(Did::new("s", number.to_string()), number % 2);
                job.bytes = Some(bytes as u64);
                job.destinations = vec![number.to_string().into()];
                job.sources.extend((number % 2 == 0).then(|| source.clone()));
                sender.send(job).await.unwrap();
            }
        };
        let (tally, ()) = tokio::join!(run(&downloader, jobs, slots), sending);
        (tally, most.1.load(Ordering::SeqCst))
    }

    #[tokio::test]
    async fn scheduler_counts_every_file_for_its_request() {
        let (tally, _) = download(20, 10, Concurrency::shared(3)).await;
        assert_eq!(tally.total, Count { files: 20, done: 10, already_done: 0 });
        assert_eq!((tally.requests[&0].failed(), tally.requests[&1].failed()), (0, 10));
    }

    #[tokio::test]
    async fn scheduler_keeps_to_its_concurrency() {
        let large = usize::try_from(LARGE).unwrap();
        for (bytes, slots, limit) in [
            (10, Concurrency::exactly(2), 2),
            (10, Concurrency::shared(2), 2 * FAR_PER_SLOT),
            (large, Concurrency::shared(2), 2),
        ] {
            let (_, most) = download(30, bytes, slots).await;
            assert!(most <= limit, "{most} of {limit} at a time");
        }
        assert_eq!((Concurrency::exactly(0).slots, Concurrency::shared(0).slots), (1, 1));
    }

    /// Starts a storage with a high latency: it sends three bytes, one after the other.
    fn far_storage() -> HttpServer {
        let response = Response::sized("200 OK", "", b"xxx").after(FAR_LATENCY / 2).slowly(1, FAR_LATENCY / 2);
        HttpServer::start(move |_, _| response.clone()).unwrap()
    }

    #[tokio::test]
    async fn scheduler_runs_more_files_at_high_latency_unless_the_number_is_exact() {
        let storage = far_storage();
        let pfn = format!("{}/f", storage.url());
        let (tally, most) = download_from(&pfn, 60, 3, Concurrency::shared(1)).await;
        assert_eq!(tally.total, Count { files: 60, done: 30, already_done: 0 });
        assert!(most > SMALL_PER_SLOT && most <= FAR_PER_SLOT, "{most}");
        let (_, most) = download_from(&pfn, 10, 3, Concurrency::exactly(2)).await;
        assert!(most <= 2, "{most}");
    }
}
