//! A complete download: resolves, lists and fetches concurrently, as far as possible.

use std::collections::HashSet;
use std::pin::pin;
use std::time::Duration;

use tokio::sync::mpsc;

use super::download::Downloader;
use super::events::{DownloadObserver, RunEvent};
use super::job::FileJob;
use super::listing::{self, Listing};
use super::plan::{Planner, Rules};
use super::scheduler::{self, Concurrency, Tally};
use super::select::resolve::{self, DidRequest, Requested};
use super::select::selection::{Selection, Skipped};
use crate::api::replicas::Query;
use crate::error::Result;
use crate::exceptions::Exception;
use crate::http::Client;
use crate::lists;
use crate::types::Did;

/// RSE expression of all tapes.
const TAPES: &str = "istape=true";
/// Maximum time that the first file waits for the number of files, which only the log and progress bars need.
/// Chosen.
const COUNTING: Duration = Duration::from_secs(2);

/// A download of DIDs.
#[derive(Debug)]
pub struct DownloadRequest<'a> {
    /// Requests of the user.
    pub requests: &'a [DidRequest],
    /// Options for listing replicas.
    pub(crate) query: Query,
    /// Whether files go directly into the target folder.
    pub no_subdir: bool,
    /// Whether files may be read from tape.
    pub from_tape: bool,
    /// How long to wait for files whose replicas are on tape or being copied.
    pub wait: Option<Duration>,
    /// Filter on the listed files.
    pub selection: &'a Selection,
}

impl DownloadRequest<'_> {
    async fn prepare(&self, client: &Client, observer: &dyn DownloadObserver) -> Result<(Vec<Requested>, Planner)> {
        let resolving = resolve::resolve(client, self.requests, observer);
        let (requested, excluded_rses) = tokio::try_join!(resolving, excluded(client, self.from_tape))?;
        let in_folders = |one: &Requested| one.is_collection() || one.within.is_some();
        let planner = Planner::new(Rules {
            no_subdir: self.no_subdir,
            no_archives: !self.query.resolve_archives,
            excluded_rses,
            duplicates_possible: requested.len() > 1 && requested.iter().any(in_folders),
        });
        Ok((requested, planner))
    }

    fn listing<'l>(
        &'l self,
        client: &'l Client,
        requested: &'l [Requested],
        observer: &'l dyn DownloadObserver,
    ) -> Listing<'l> {
        let (selection, wait, max_blocked) = (self.selection, self.wait, listing::MAX_BLOCKED);
        Listing { client, query: &self.query, requested, selection, wait, observer, max_blocked }
    }

    /// Sends the jobs of a download without running it, and without waiting for files. Returns how many files were not
    /// selected.
    pub async fn plan(
        &self,
        client: &Client,
        observer: &dyn DownloadObserver,
        jobs: mpsc::Sender<FileJob>,
    ) -> Result<Skipped> {
        observer.run(RunEvent::Requested(self.requests.len()));
        let (requested, planner) = self.prepare(client, observer).await?;
        // Nothing is downloaded meanwhile, so the queue is soon empty again; a million names would need 100 MB.
        let listing = self.listing(client, &requested, observer);
        Listing { wait: None, max_blocked: Duration::MAX, ..listing }.send(planner, jobs).await
    }
}

/// Result of a download.
#[derive(Debug)]
pub struct DownloadReport {
    /// Requested DIDs, each with its number of files if known.
    pub requested: Vec<(Did, Option<u64>)>,
    /// Numbers of files per outcome.
    pub tally: Tally,
    /// Numbers of files that were not selected.
    pub skipped: Skipped,
}

/// Runs downloads.
pub struct DownloadSession<'a> {
    /// Downloads single files.
    pub downloader: Downloader<'a>,
    /// Limits on concurrent files.
    pub slots: Concurrency,
}

impl DownloadSession<'_> {
    /// Downloads the files of a search. Errors: the server returned an error; files in progress are finished first.
    pub async fn search(&self, client: &Client, search: DownloadRequest<'_>) -> Result<DownloadReport> {
        let observer = self.downloader.observer;
        observer.run(RunEvent::Requested(search.requests.len()));
        let (requested, planner) = search.prepare(client, observer).await?;
        let listing = search.listing(client, &requested, observer);
        let (sender, jobs) = listing::queue();
        let fetching = self.fetch_counted(client, &search, &requested, jobs);
        let (listed, (tally, lengths)) = tokio::join!(listing.send(planner, sender), fetching);
        let skipped = listed?;
        Ok(DownloadReport {
            requested: requested.into_iter().map(|one| one.did).zip(lengths).collect(),
            tally,
            skipped,
        })
    }

    /// Fetches files while they are being counted.
    async fn fetch_counted(
        &self,
        client: &Client,
        search: &DownloadRequest<'_>,
        requested: &[Requested],
        jobs: mpsc::Receiver<FileJob>,
    ) -> (Tally, Vec<Option<u64>>) {
        let chosen = search.query.nrandom.map(|number| number * search.requests.len() as u64);
        let mut counting = pin!(resolve::count(client, requested));
        let in_time = tokio::time::timeout(COUNTING, counting.as_mut()).await.ok();
        let all = if search.selection.is_all() { in_time.as_ref() } else { None };
        let files = all.and_then(|counts| expected(counts, requested)).map(|files| match chosen {
            Some(chosen) => files.min(chosen),
            None => files,
        });
        let bytes = match (all, chosen) {
            (Some(counts), None) => counts.iter().filter_map(|(_, bytes)| *bytes).sum(),
            _ => 0,
        };
        let tally = self.fetch(jobs, files, bytes).await;
        let counts = match in_time {
            Some(counts) => counts,
            None => counting.await,
        };
        (tally, counts.into_iter().map(|(length, _)| length).collect())
    }

    /// Fetches the files of a queue. `files` and `bytes` are the expected totals.
    pub async fn fetch(&self, jobs: mpsc::Receiver<FileJob>, files: Option<u64>, bytes: u64) -> Tally {
        let wanted = files.and_then(|files| usize::try_from(files).ok()).unwrap_or(usize::MAX);
        let slots = Concurrency { slots: self.slots.slots.min(wanted.max(1)), ..self.slots };
        self.downloader.observer.run(RunEvent::Starting { files, bytes, slots: slots.slots });
        scheduler::run(&self.downloader, jobs, slots).await
    }

    /// Fetches the files of a list.
    pub async fn fetch_all(&self, jobs: Vec<FileJob>) -> Tally {
        let (files, bytes) = (jobs.len() as u64, jobs.iter().filter_map(|job| job.bytes).sum());
        let (sender, receiver) = listing::queue();
        let sending = async move {
            for job in jobs {
                if sender.send(job).await.is_err() {
                    break;
                }
            }
        };
        tokio::join!(sending, self.fetch(receiver, Some(files), bytes)).1
    }
}

/// Returns the RSEs that are not read: tape, unless `from_tape`, as it takes hours.
pub(crate) async fn excluded(client: &Client, from_tape: bool) -> Result<HashSet<String>> {
    if from_tape {
        return Ok(HashSet::new());
    }
    let listed = match lists::rses(client, Some(TAPES)).await {
        Ok(stream) => stream.collect().await,
        Err(error) => Err(error),
    };
    match listed {
        Ok(tapes) => Ok(tapes.into_iter().map(|tape| tape.rse).collect()),
        // The server returns this error if it has no tape RSE.
        Err(error) if error.class() == Some(Exception::InvalidRSEExpression) => Ok(HashSet::new()),
        Err(error) => Err(error),
    }
}

/// Returns the number of files that will be listed, if known. A missing DID counts as one file.
fn expected(counts: &[(Option<u64>, Option<u64>)], requested: &[Requested]) -> Option<u64> {
    let each = counts.iter().zip(requested);
    each.map(|((length, _), one)| if one.is_collection() { *length } else { Some(1) }).sum()
}
