//! Lists replicas as jobs while the server is still answering. The jobs are made in `plan`; the endpoints are in `api`.
//! A metalink file takes the place of the server's list; [`metalink`] parses it.
//!
//! Each collection is listed in a call of its own, so that it is known which collection led to a file. Asking the
//! server for it (`resolve_parents`) makes a listing take three times as long.
//!
//! Replicas are buffered here so that the server's response is always read to its end: a stalled stream holds a
//! database cursor until the server cuts it off, and signed URLs expire. So a collection is first listed by its own
//! name, which is the quickest for the server; if its files take long, or the connection breaks, the remaining files
//! are listed by name, as many at a time as the queue has space for. The same is done if the server listed fewer files
//! than it counts: some have no matching replica, or the response was truncated, which looks like a complete one. A
//! response to names has a row for every existing file, so truncation is detected.

pub mod metalink;
mod routes;
mod waiting;

use std::collections::HashSet;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::time::timeout;

use self::routes::{Routes, batches};
use self::waiting::Waiting;
use super::events::{DownloadObserver, RunEvent};
use super::job::FileJob;
use super::plan::{Planner, Route};
use super::select::resolve::{DidKind, Requested};
use super::select::selection::{Selection, Skipped};
use crate::api::replicas::{self, Query};
use crate::error::{Error, Result};
use crate::http::Client;
use crate::key_set::KeySet;
use crate::lists::{self, BROKE_OFF, FILES_PER_CALL, Outage, fingerprint};
use crate::types::{Did, ReplicaEntry};

/// Number of requests without an answer for any file before the listing is given up. Chosen: a server that restarts has a
/// budget of its own (`lists::Outage`).
const MAX_STALLS: u32 = 3;
/// Total time that a response may be blocked by a full queue. Chosen: far below the minute after which proxies such as
/// nginx close a connection.
pub(super) const MAX_BLOCKED: Duration = Duration::from_secs(5);

/// Creates the queue of planned files: it holds two responses, one being processed and one being received.
pub fn queue() -> (mpsc::Sender<FileJob>, mpsc::Receiver<FileJob>) {
    mpsc::channel(2 * FILES_PER_CALL)
}

/// A listing to be made.
#[derive(Debug, Clone, Copy)]
pub struct Listing<'a> {
    /// Client of the Rucio server.
    pub client: &'a Client,
    /// Query options common to all calls.
    pub(crate) query: &'a Query,
    /// Requested DIDs.
    pub requested: &'a [Requested],
    /// Filter on the listed files.
    pub selection: &'a Selection,
    /// How long to wait for files whose replicas are on tape or being copied.
    pub wait: Option<Duration>,
    /// Receiver of events.
    pub observer: &'a dyn DownloadObserver,
    /// Total time that a response may be blocked by a full queue, before the remaining files are listed by name.
    pub max_blocked: Duration,
}

impl std::fmt::Debug for dyn DownloadObserver + '_ {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DownloadObserver")
    }
}

impl Listing<'_> {
    /// Lists all replicas and sends a job for each selected file. Returns how many files were left out. Ends early if
    /// the receiver is closed.
    pub async fn send(self, planner: Planner, jobs: mpsc::Sender<FileJob>) -> Result<Skipped> {
        let waiting = self.wait.map(Waiting::new);
        let mut sending =
            ListingTask { listing: self, planner, jobs, skipped: Skipped::default(), quota: None, waiting };
        let batches = batches(self.requested, self.query.nrandom.is_some());
        for batch in &batches {
            if sending.jobs.is_closed() {
                break;
            }
            sending.send(batch).await?;
        }
        sending.send_waiting().await?;
        Ok(sending.skipped)
    }

    fn batch_query(&self, batch: &[usize]) -> Query {
        let several = batch.len() > 1 && batch.iter().any(|index| self.requested[*index].is_collection());
        Query {
            dids: batch.iter().map(|index| self.requested[*index].did.clone()).collect(),
            resolve_parents: several,
            ..self.query.clone()
        }
    }
}

struct ListingTask<'a> {
    listing: Listing<'a>,
    planner: Planner,
    jobs: mpsc::Sender<FileJob>,
    skipped: Skipped,
    /// Number of files still to be sent if files are chosen at random.
    quota: Option<u64>,
    /// Files to wait for, with `--wait`.
    waiting: Option<Waiting<'a>>,
}

impl<'a> ListingTask<'a> {
    async fn send(&mut self, batch: &'a [usize]) -> Result<()> {
        let mut routes = Routes::new(self.listing.requested, batch);
        let query = self.listing.batch_query(batch);
        match (routes.collection(), query.nrandom) {
            (_, Some(number)) => self.send_random(number, query, batch, &mut routes).await?,
            (Some(collection), None) => self.send_collection(collection, query, &mut routes).await?,
            (None, None) => self.send_files(query, &mut routes).await?,
        }
        self.send_missing(routes.unused()).await;
        Ok(())
    }

    /// Sends `number` files at random: those that the server chooses, and others if it chose too few although there are
    /// more.
    async fn send_random(&mut self, number: u64, query: Query, batch: &[usize], routes: &mut Routes<'a>) -> Result<()> {
        self.listing.observer.run(RunEvent::Choosing { number, dids: &query.dids.iter().collect::<Vec<_>>() });
        let ListedFiles { known, end } = self.send_answer(&query, Duration::MAX, routes).await;
        if let ListingEnd::Broken(error) = end {
            Outage::default().wait(error).await?;
        }
        let missing = number.saturating_sub(known.len() as u64);
        let requested = batch.iter().map(|index| &self.listing.requested[*index]);
        if missing > 0 && !self.has_all(&requested.clone().collect::<Vec<_>>(), known.len()).await? {
            let mut others = HashSet::new();
            for one in requested {
                let is_other = |did: &Did| !known.contains(&fingerprint(did));
                if one.is_collection() {
                    others.extend(self.names(one, is_other).await?.names);
                } else if is_other(&one.did) {
                    others.insert(one.did.clone());
                }
            }
            // The iteration order of a hash set is random.
            let others: Vec<_> = others.into_iter().collect();
            self.quota = Some(missing);
            for dids in others.chunks(FILES_PER_CALL) {
                self.send_files(Query { dids: dids.to_vec(), nrandom: None, ..query.clone() }, routes).await?;
            }
            self.quota = None;
        }
        // Not every DID that files were chosen from need have one.
        routes.mark_used();
        Ok(())
    }

    async fn send_collection(&mut self, one: &Requested, query: Query, routes: &mut Routes<'a>) -> Result<()> {
        let (collection, mut known) = (&one.did, KeySet::default());
        // If only some files are selected, the replicas of the others need not be listed.
        if self.listing.selection.is_all() {
            let answer = self.send_answer(&query, self.listing.max_blocked, routes).await;
            known = answer.known;
            match answer.end {
                ListingEnd::Unread => return Ok(()),
                ListingEnd::Whole if self.has_all(&[one], known.len()).await? => return Ok(()),
                ListingEnd::Whole => {
                    tracing::debug!("{} files of {collection} are listed, fewer than it has", known.len())
                }
                ListingEnd::Blocked => tracing::debug!("the other files of {collection} are listed by their names"),
                ListingEnd::Broken(error) => Outage::default().wait(error).await?,
            }
        }
        let mut skipped = Skipped::default();
        let is_remaining =
            |did: &Did| !known.contains(&fingerprint(did)) && self.listing.selection.accepts(did, &mut skipped);
        let CollectionNames { names, total } = self.names(one, is_remaining).await?;
        self.skipped += skipped;
        if names.is_empty() && total > 0 {
            routes.mark_used();
        }
        drop(known);
        for names in names.chunks(FILES_PER_CALL) {
            // Archives are not searched for files of a collection when it is listed by its own name.
            let dids = names.to_vec();
            self.send_files(Query { dids, resolve_archives: false, ..query.clone() }, routes).await?;
        }
        Ok(())
    }

    /// Whether these DIDs have no more than this many files.
    async fn has_all(&self, requested: &[&Requested], files: usize) -> Result<bool> {
        let (mut expected, mut outage) = (0, Outage::default());
        for one in requested {
            expected += match one.kind {
                DidKind::Missing => 0,
                DidKind::File => 1,
                // The length of a closed dataset cannot have changed since it was looked up.
                DidKind::Dataset if one.length == Some(files as u64) && requested.len() == 1 => return Ok(true),
                DidKind::Dataset | DidKind::Container => loop {
                    match lists::size(self.listing.client, &one.did).await {
                        Ok(size) => match size.files {
                            Some(files) => break files,
                            None => return Ok(false),
                        },
                        Err(error) => outage.wait(error).await?,
                    }
                },
            };
        }
        Ok(files as u64 >= expected)
    }

    /// Lists those of a collection's files that `is_requested` accepts, which is called once for each file.
    async fn names(
        &self,
        collection: &Requested,
        mut is_requested: impl FnMut(&Did) -> bool,
    ) -> Result<CollectionNames> {
        let mut outage = Outage::default();
        let mut list = loop {
            match lists::files::<Did>(self.listing.client, &collection.did).await {
                Ok(list) => break list,
                Err(error) => outage.wait(error).await?,
            }
        };
        // Only containers may list a file more than once.
        let mut listed = (collection.kind != DidKind::Dataset).then(KeySet::default);
        let (mut names, mut total) = (Vec::new(), 0);
        while let Some(file) = list.next().await? {
            if listed.as_mut().is_none_or(|listed| listed.insert(fingerprint(&file))) {
                total += 1;
                if is_requested(&file) {
                    names.push(file);
                }
            }
        }
        names.sort_unstable();
        Ok(CollectionNames { names, total })
    }

    /// Lists files by name and sends their jobs, once the queue has space. A file without a row in the answer is
    /// requested again.
    async fn send_files(&mut self, mut query: Query, routes: &mut Routes<'a>) -> Result<()> {
        let (mut outage, mut stalls) = (Outage::default(), 0);
        while !query.dids.is_empty() && self.quota != Some(0) && self.jobs.reserve_many(FILES_PER_CALL).await.is_ok() {
            let ListedFiles { known, end } = self.send_answer(&query, self.listing.max_blocked, routes).await;
            query.dids.retain(|did| !known.contains(&fingerprint(did)));
            if !known.is_empty() {
                (outage, stalls) = (Outage::default(), 0);
            }
            if matches!(end, ListingEnd::Whole) {
                // What no search found may still have been listed, but need not be.
                query.dids.retain(|did| !routes.is_unknown(did));
            }
            match end {
                ListingEnd::Unread => break,
                ListingEnd::Broken(error) if !query.dids.is_empty() => outage.wait(error).await?,
                ListingEnd::Whole if known.is_empty() => {
                    query.dids = lists::existing(self.listing.client, query.dids).await?;
                    let Some(one) = query.dids.first() else { break };
                    stalls += 1;
                    if stalls >= MAX_STALLS {
                        return Err(lists::incomplete(one, query.dids.len()));
                    }
                    outage.pause(&format!("{one} is missing")).await;
                }
                ListingEnd::Broken(_) | ListingEnd::Whole | ListingEnd::Blocked => {}
            }
        }
        Ok(())
    }

    /// Sends the files of one response, unless the queue is full for longer than `limit` in total.
    async fn send_answer(&mut self, query: &Query, limit: Duration, routes: &mut Routes<'a>) -> ListedFiles {
        let (mut known, mut time_left) = (KeySet::default(), limit);
        let mut stream = match replicas::list(self.listing.client, query).await {
            Ok(stream) => stream,
            Err(error) => return ListedFiles { known, end: ListingEnd::Broken(error) },
        };
        let end = loop {
            let started = Instant::now();
            let has_room = self.jobs.capacity() > 0 || timeout(time_left, self.jobs.reserve()).await.is_ok();
            time_left = time_left.saturating_sub(started.elapsed());
            if !has_room {
                break ListingEnd::Blocked;
            }
            match stream.next().await {
                Ok(Some(entry)) => {
                    known.insert(fingerprint(&entry.did));
                    self.send_file(entry, routes).await;
                }
                Ok(None) => break ListingEnd::Whole,
                Err(error) => break ListingEnd::Broken(error.with_only_hint(BROKE_OFF)),
            }
            if self.jobs.is_closed() {
                break ListingEnd::Unread;
            }
        };
        ListedFiles { known, end }
    }

    async fn send_file(&mut self, entry: ReplicaEntry, routes: &mut Routes<'a>) {
        // For a collection listed by its own name, the server leaves out files without replicas.
        if routes.collection().is_some() && entry.is_without_replica() && self.waiting.is_none() {
            return;
        }
        let routes_there = routes.routes_to(&entry);
        if !self.listing.selection.accepts(&entry.did, &mut self.skipped) {
            return;
        }
        let has_source = self.planner.has_source(&entry);
        if let Some(waiting) = self.waiting.as_mut().filter(|_| !has_source && !routes_there.is_empty()) {
            return waiting.add(entry, routes_there);
        }
        self.report_tape(&entry);
        if !routes_there.is_empty() && self.has_quota() {
            self.plan_and_send(entry, &routes_there).await;
        }
    }

    /// Reports a file that is only on tape.
    fn report_tape(&self, entry: &ReplicaEntry) {
        if self.planner.only_excluded(entry) {
            self.listing.observer.run(RunEvent::OnlyOnTape(&entry.did));
        }
    }

    async fn plan_and_send(&mut self, entry: ReplicaEntry, routes: &[Route<'_>]) {
        let job = self.planner.plan(entry, routes);
        self.send_job(job).await;
    }

    /// Takes one file from the quota. Returns false if it is used up.
    fn has_quota(&mut self) -> bool {
        match &mut self.quota {
            None => true,
            Some(0) => false,
            Some(skipped) => {
                *skipped -= 1;
                true
            }
        }
    }

    async fn send_missing(&mut self, missing: Vec<usize>) {
        for index in missing {
            let one = &self.listing.requested[index];
            // With `--shard`, only the job whose share has this DID reports it; without, every job does.
            if !self.listing.selection.in_shard(&one.did) {
                continue;
            }
            let rse_expression = self.listing.query.rse_expression.as_deref();
            self.listing.observer.run(if one.kind == DidKind::Missing {
                RunEvent::DidMissing(&one.did)
            } else {
                RunEvent::NoReplicas { did: &one.did, rse_expression }
            });
            self.send_job(FileJob { dataset: one.folder_did().clone(), ..FileJob::unknown(one.did.clone(), index) })
                .await;
        }
    }

    /// A closed receiver means that the download has ended.
    async fn send_job(&self, job: FileJob) {
        let _ = self.jobs.send(job).await;
    }
}

/// Files of a collection.
struct CollectionNames {
    /// The requested ones, sorted.
    names: Vec<Did>,
    /// Number of all files.
    total: usize,
}

/// The outcome of one response.
struct ListedFiles {
    /// Fingerprints of the listed files.
    known: KeySet<16>,
    end: ListingEnd,
}

/// How a response ended.
enum ListingEnd {
    /// Without an error, which does not prove that it was complete.
    Whole,
    /// The receiver was closed: the download has ended.
    Unread,
    /// The queue stayed full.
    Blocked,
    /// The connection broke, or the server returned an error.
    Broken(Error),
}
