//! The replicas of what was asked for, as jobs, while the server is still listing.
//!
//! A collection is listed by itself: then it is known which collection led to a file. Asking the server for it
//! (`resolve_parents`) makes a listing take three times as long.
//!
//! What waits to be fetched waits here, not in an answer of the server that is left half read: that would keep its
//! database busy, until it cuts the answer off, and what it signed would run out. So a collection is asked for by its own
//! name first, which is the quickest for the server; where its files take their time, or the server goes away, the others
//! are asked for by their names, so many at a time as there is room for. The same is done where it gave fewer files than
//! it counts: some have no replica that fits, or its answer was cut short, which looks like a whole one. An answer for
//! names has a row for every file that exists, so there it is known whether it was whole.

mod routes;

use std::collections::HashSet;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::time::timeout;

use self::routes::{Routes, batches};
use super::events::{Observer, RunEvent};
use super::job::FileJob;
use super::plan::Planner;
use super::resolve::{Kind, Requested};
use super::selection::{Left, Selection};
use crate::api::replicas::{self, Query};
use crate::error::{Error, Result};
use crate::http::Client;
use crate::lists::{self, BROKE_OFF, FILES_PER_CALL, Fingerprint, Outage, fingerprint};
use crate::types::{Did, ReplicaEntry};

/// How often files may be asked for without an answer before the list is given up.
const STALLS: u32 = 3;
/// For how long in all an answer may wait for room.
const BLOCKED: Duration = Duration::from_secs(5);

/// Where planned files wait for who takes them: there is room for one answer while another is worked on.
pub fn queue() -> (mpsc::Sender<FileJob>, mpsc::Receiver<FileJob>) {
    mpsc::channel(2 * FILES_PER_CALL)
}

/// What to list, and how.
#[derive(Debug, Clone, Copy)]
pub struct Listing<'a> {
    /// The server.
    pub client: &'a Client,
    /// What all calls have in common.
    pub query: &'a Query,
    /// What was asked for.
    pub requested: &'a [Requested],
    /// Which of the files are wanted.
    pub selection: &'a Selection,
    /// Who is told what happens.
    pub observer: &'a dyn Observer,
}

impl std::fmt::Debug for dyn Observer + '_ {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Observer")
    }
}

impl Listing<'_> {
    /// Lists everything, and sends a job for each file that is wanted. Gives how many are not. Ends early if nobody
    /// takes them any more.
    pub async fn send(self, planner: Planner, jobs: mpsc::Sender<FileJob>) -> Result<Left> {
        let mut sending = Sending { listing: self, planner, jobs, left: Left::default(), quota: None };
        for batch in batches(self.requested, self.query.nrandom.is_some()) {
            if sending.jobs.is_closed() {
                break;
            }
            sending.send(&batch).await?;
        }
        Ok(sending.left)
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

/// A listing under way.
struct Sending<'a> {
    listing: Listing<'a>,
    planner: Planner,
    jobs: mpsc::Sender<FileJob>,
    left: Left,
    /// How many files are still to be sent, where the user wants some at random.
    quota: Option<u64>,
}

impl Sending<'_> {
    async fn send(&mut self, batch: &[usize]) -> Result<()> {
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

    /// Sends so many files at random: those that the server chooses, and others where it chose too few although there are
    /// more.
    async fn send_random(&mut self, number: u64, query: Query, batch: &[usize], routes: &mut Routes<'_>) -> Result<()> {
        self.listing.observer.run(RunEvent::Choosing { number, dids: &query.dids.iter().collect::<Vec<_>>() });
        let Answer { known, end } = self.send_answer(&query, Duration::MAX, routes).await;
        if let End::Broken(error) = end {
            Outage::default().wait(error).await?;
        }
        let missing = number.saturating_sub(known.len() as u64);
        let requested = batch.iter().map(|index| &self.listing.requested[*index]);
        if missing > 0 && !self.has_all(&requested.clone().collect::<Vec<_>>(), known.len()).await? {
            let mut others = HashSet::new();
            for one in requested {
                let names = if one.is_collection() { self.names(&one.did).await? } else { vec![one.did.clone()] };
                others.extend(names.into_iter().filter(|did| !known.contains(&fingerprint(did))));
            }
            // The order of a hash set is random.
            let others: Vec<_> = others.into_iter().collect();
            self.quota = Some(missing);
            for dids in others.chunks(FILES_PER_CALL) {
                self.send_files(Query { dids: dids.to_vec(), nrandom: None, ..query.clone() }, routes).await?;
            }
            self.quota = None;
        }
        // Of what files were chosen from, some need not have any.
        routes.are_used();
        Ok(())
    }

    async fn send_collection(&mut self, one: &Requested, query: Query, routes: &mut Routes<'_>) -> Result<()> {
        let (collection, mut known) = (&one.did, HashSet::new());
        // Where only some files are wanted, the replicas of the others need not be listed.
        if self.listing.selection.is_all() {
            let answer = self.send_answer(&query, BLOCKED, routes).await;
            known = answer.known;
            match answer.end {
                End::Unread => return Ok(()),
                End::Whole if self.has_all(&[one], known.len()).await? => return Ok(()),
                End::Whole => tracing::debug!("{} files of {collection} are listed, fewer than it has", known.len()),
                End::Blocked => tracing::debug!("the other files of {collection} are listed by their names"),
                End::Broken(error) => Outage::default().wait(error).await?,
            }
        }
        let mut names = self.names(collection).await?;
        let is_empty = names.is_empty();
        names.retain(|did| !known.contains(&fingerprint(did)) && self.listing.selection.takes(did, &mut self.left));
        if names.is_empty() && !is_empty {
            routes.are_used();
        }
        for names in names.chunks(FILES_PER_CALL) {
            // A collection's files are not looked for in archives where it is asked for by its own name.
            let dids = names.to_vec();
            self.send_files(Query { dids, resolve_archives: false, ..query.clone() }, routes).await?;
        }
        Ok(())
    }

    /// Whether so many files are all that these DIDs have.
    async fn has_all(&self, requested: &[&Requested], files: usize) -> Result<bool> {
        let (mut expected, mut outage) = (0, Outage::default());
        for one in requested {
            expected += match one.kind {
                Kind::Missing => 0,
                Kind::File => 1,
                // A closed dataset has as many files as it had when it was looked up.
                Kind::Dataset if one.length == Some(files as u64) && requested.len() == 1 => return Ok(true),
                Kind::Dataset | Kind::Container => loop {
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

    /// The files of a collection, each once, by their names.
    async fn names(&self, collection: &Did) -> Result<Vec<Did>> {
        let mut outage = Outage::default();
        let mut list = loop {
            match lists::files::<Did>(self.listing.client, collection).await {
                Ok(list) => break list,
                Err(error) => outage.wait(error).await?,
            }
        };
        let mut names = Vec::new();
        while let Some(file) = list.next().await? {
            names.push(file);
        }
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    /// Sends files that are asked for by their names, once there is room for them. What has no row in the answer is
    /// asked for again.
    async fn send_files(&mut self, mut query: Query, routes: &mut Routes<'_>) -> Result<()> {
        let (mut outage, mut stalls) = (Outage::default(), 0);
        query.dids.retain(|did| !routes.is_unknown(did) || self.quota.is_some());
        while !query.dids.is_empty() && self.quota != Some(0) && self.jobs.reserve_many(FILES_PER_CALL).await.is_ok() {
            let Answer { known, end } = self.send_answer(&query, BLOCKED, routes).await;
            query.dids.retain(|did| !known.contains(&fingerprint(did)));
            if !known.is_empty() {
                (outage, stalls) = (Outage::default(), 0);
            }
            match end {
                End::Unread => break,
                End::Broken(error) if !query.dids.is_empty() => outage.wait(error).await?,
                End::Whole if known.is_empty() => {
                    query.dids = lists::existing(self.listing.client, query.dids).await?;
                    let Some(one) = query.dids.first() else { break };
                    stalls += 1;
                    if stalls >= STALLS {
                        return Err(lists::incomplete(one, query.dids.len()));
                    }
                    outage.pause(&format!("{one} is missing")).await;
                }
                End::Broken(_) | End::Whole | End::Blocked => {}
            }
        }
        Ok(())
    }

    /// Sends what the server answers, unless there is no room for longer than this in all.
    async fn send_answer(&mut self, query: &Query, limit: Duration, routes: &mut Routes<'_>) -> Answer {
        let (mut known, mut patience) = (HashSet::new(), limit);
        let mut stream = match replicas::list(self.listing.client, query).await {
            Ok(stream) => stream,
            Err(error) => return Answer { known, end: End::Broken(error) },
        };
        let end = loop {
            let waits = Instant::now();
            let has_room = self.jobs.capacity() > 0 || timeout(patience, self.jobs.reserve()).await.is_ok();
            patience = patience.saturating_sub(waits.elapsed());
            if !has_room {
                break End::Blocked;
            }
            match stream.next().await {
                Ok(Some(entry)) => {
                    known.insert(fingerprint(&entry.did));
                    self.send_file(entry, routes).await;
                }
                Ok(None) => break End::Whole,
                Err(error) => break End::Broken(error.with_hint(BROKE_OFF)),
            }
            if self.jobs.is_closed() {
                break End::Unread;
            }
        };
        Answer { known, end }
    }

    async fn send_file(&mut self, entry: ReplicaEntry, routes: &mut Routes<'_>) {
        // Of a collection the server lists only what has replicas, where it is asked for it by its own name.
        if routes.collection().is_some() && entry.is_without_replica() {
            return;
        }
        let ways = routes.of(&entry);
        if !self.listing.selection.takes(&entry.did, &mut self.left) {
            return;
        }
        if self.planner.only_excluded(&entry) {
            self.listing.observer.run(RunEvent::OnlyOnTape(&entry.did));
        }
        if !ways.is_empty() && self.has_quota() {
            let job = self.planner.plan(entry, &ways);
            self.send_job(job).await;
        }
    }

    /// Whether one more file is wanted; counts it.
    fn has_quota(&mut self) -> bool {
        match &mut self.quota {
            None => true,
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
        }
    }

    async fn send_missing(&mut self, missing: Vec<usize>) {
        for index in missing {
            let one = &self.listing.requested[index];
            // Of many jobs that ask for the same, one tells; all, where there is nothing else.
            if !self.listing.selection.is_mine(&one.did) {
                continue;
            }
            self.listing.observer.run(RunEvent::DidMissing(&one.did));
            self.send_job(FileJob { dataset: one.place().clone(), ..FileJob::unknown(one.did.clone(), index) }).await;
        }
    }

    /// If nobody takes it any more, the download is over.
    async fn send_job(&self, job: FileJob) {
        let _ = self.jobs.send(job).await;
    }
}

/// What an answer of the server had.
struct Answer {
    known: HashSet<Fingerprint>,
    end: End,
}

/// How an answer ended.
enum End {
    /// As a whole one does, which proves nothing.
    Whole,
    /// The download is over: its files are not taken any more.
    Unread,
    /// There was no room for the rest.
    Blocked,
    /// The server went away, or does not want to answer.
    Broken(Error),
}
