//! The replicas of what was asked for, as jobs, while the server is still listing.
//!
//! A collection is listed by itself: then it is known which collection led to a file. Asking the server for it
//! (`resolve_parents`) makes a listing take three times as long.
//!
//! What waits to be fetched waits here, not in an answer of the server that is left half read: that would keep its
//! database busy, until it cuts the answer off, and what it signed would run out. So a collection is asked for by its own
//! name first, which is the quickest for the server; where its files take their time, or the server goes away, the others
//! are asked for by their names, so many at a time as there is room for.

mod gone;
mod routes;

use std::collections::HashSet;
use std::time::{Duration, Instant};

use md5::{Digest as _, Md5};
use tokio::sync::mpsc;
use tokio::time::timeout;

use self::gone::{BROKE_OFF, Gone};
use self::routes::{Routes, batches};
use super::events::{Observer, RunEvent};
use super::job::FileJob;
use super::plan::Planner;
use super::resolve::Requested;
use super::selection::{Left, Selection};
use crate::api::dids;
use crate::api::replicas::{self, Query};
use crate::error::{Error, Result};
use crate::http::Client;
use crate::types::{Did, ReplicaEntry};

/// How many files are asked for in one call; the server takes no more.
const FILES_PER_CALL: usize = 1000;
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
        let mut sending = Sending { listing: self, planner, jobs, left: Left::default() };
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
}

impl Sending<'_> {
    async fn send(&mut self, batch: &[usize]) -> Result<()> {
        let Listing { requested, observer, .. } = self.listing;
        let mut routes = Routes::new(requested, batch);
        let query = self.listing.batch_query(batch);
        match (routes.collection(), query.nrandom) {
            (_, Some(number)) => {
                observer.run(RunEvent::Choosing { number, dids: &query.dids.iter().collect::<Vec<_>>() });
                let Answer { known, end } = self.send_answer(&query, Duration::MAX, &mut routes).await;
                match end {
                    End::Broken(error) => return Err(error),
                    // Where the server chose the wished number by chance, it is no wonder that some have nothing.
                    _ if known.len() as u64 == number => return Ok(()),
                    _ => {}
                }
            }
            (Some(collection), None) => self.send_collection(&collection.did, query, &mut routes).await?,
            (None, None) => self.send_files(query, &mut routes).await?,
        }
        self.send_missing(routes.unused()).await;
        Ok(())
    }

    async fn send_collection(&mut self, collection: &Did, query: Query, routes: &mut Routes<'_>) -> Result<()> {
        let (mut known, mut gone) = (HashSet::new(), Gone::default());
        // Where only some files are wanted, the replicas of the others need not be listed.
        if self.listing.selection.is_all() {
            let answer = self.send_answer(&query, BLOCKED, routes).await;
            known = answer.known;
            match answer.end {
                End::Whole => return Ok(()),
                End::Blocked => tracing::debug!("the other files of {collection} are listed by their names"),
                End::Broken(error) => gone.wait(error).await?,
            }
        }
        let mut names = loop {
            match names(self.listing.client, collection).await {
                Ok(names) => break names,
                Err(error) => gone.wait(error).await?,
            }
        };
        let is_empty = names.is_empty();
        names.retain(|name| {
            let did = did(name);
            !known.contains(&fingerprint(&did)) && self.listing.selection.takes(&did, &mut self.left)
        });
        if names.is_empty() && !is_empty {
            routes.are_used();
        }
        for names in names.chunks(FILES_PER_CALL) {
            // A collection's files are not looked for in archives where it is asked for by its own name.
            let dids = names.iter().map(|name| did(name)).collect();
            self.send_files(Query { dids, resolve_archives: false, ..query.clone() }, routes).await?;
        }
        Ok(())
    }

    /// Sends files that are asked for by their names, once there is room for them. A server that goes away meanwhile is
    /// asked for the others when it is back.
    async fn send_files(&mut self, mut query: Query, routes: &mut Routes<'_>) -> Result<()> {
        let mut gone = Gone::default();
        while !query.dids.is_empty() && self.jobs.reserve_many(FILES_PER_CALL).await.is_ok() {
            let Answer { known, end } = self.send_answer(&query, BLOCKED, routes).await;
            query.dids.retain(|did| !known.contains(&fingerprint(did)));
            match end {
                End::Whole => break,
                End::Broken(error) if !query.dids.is_empty() => {
                    if !known.is_empty() {
                        gone = Gone::default();
                    }
                    gone.wait(error).await?;
                }
                End::Broken(_) | End::Blocked => {}
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
                break End::Whole;
            }
        };
        Answer { known, end }
    }

    async fn send_file(&mut self, entry: ReplicaEntry, routes: &mut Routes<'_>) {
        // Of a collection the server lists only what has replicas, where it is asked for it by its own name.
        if routes.collection().is_some() && entry.states.is_empty() && entry.pfns.is_empty() {
            return;
        }
        let ways = routes.of(&entry);
        if !self.listing.selection.takes(&entry.did, &mut self.left) {
            return;
        }
        if self.planner.only_excluded(&entry) {
            self.listing.observer.run(RunEvent::OnlyOnTape(&entry.did));
        }
        if !ways.is_empty() {
            let job = self.planner.plan(entry, &ways);
            self.send_job(job).await;
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
    /// As it should, or nobody takes its files any more.
    Whole,
    /// There was no room for the rest.
    Blocked,
    /// The server went away, or does not want to answer.
    Broken(Error),
}

/// Stands for a file: millions of them need little memory so.
type Fingerprint = [u8; 16];

fn fingerprint(did: &Did) -> Fingerprint {
    Md5::digest(did.to_string()).into()
}

/// The files of a collection, as `scope:name`, each once, by their names.
async fn names(client: &Client, collection: &Did) -> Result<Vec<Box<str>>> {
    let mut stream = dids::files::<Did>(client, collection).await?;
    let mut names = Vec::new();
    while let Some(file) = stream.next().await.map_err(|error| error.with_hint(BROKE_OFF))? {
        names.push(file.to_string().into_boxed_str());
    }
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

/// A scope has no colon.
fn did(name: &str) -> Did {
    let (scope, name) = name.split_once(':').unwrap_or_default();
    Did::new(scope, name)
}
