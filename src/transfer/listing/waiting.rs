//! Files without a source that can be read now, because their replicas are on tape or still being copied: `--wait` lists
//! them again until they have one.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::ListingTask;
use crate::api::replicas::{self, Query};
use crate::error::Result;
use crate::lists::{FILES_PER_CALL, Outage};
use crate::retry::Backoff;
use crate::transfer::events::RunEvent;
use crate::transfer::plan::Route;
use crate::types::{Did, ReplicaEntry};

/// Pauses between two listings. Chosen: a disk copy is noticed soon after it is made, and tapes take hours, so that a
/// request every few minutes is enough.
const PAUSES: Backoff =
    Backoff { first: Duration::from_secs(5), factor: 2, max: Duration::from_secs(300), jitter: 0.25 };

/// The files to wait for, each with the requests that led to it.
pub(super) struct Waiting<'a> {
    limit: Duration,
    files: Vec<(ReplicaEntry, Vec<Route<'a>>)>,
}

impl<'a> Waiting<'a> {
    pub(super) fn new(limit: Duration) -> Self {
        Self { limit, files: Vec::new() }
    }

    pub(super) fn add(&mut self, entry: ReplicaEntry, routes: Vec<Route<'a>>) {
        self.files.push((entry, routes));
    }
}

impl ListingTask<'_> {
    /// Sends the files that were added, each as soon as it has a source, and what is left when the time is over.
    pub(super) async fn send_waiting(&mut self) -> Result<()> {
        let Some(Waiting { limit, mut files }) = self.waiting.take() else { return Ok(()) };
        let (start, mut outage, mut round) = (Instant::now(), Outage::default(), 0);
        while !files.is_empty() && !self.jobs.is_closed() {
            let remaining = limit.saturating_sub(start.elapsed());
            if remaining.is_zero() {
                break;
            }
            let pause = PAUSES.pause(round).min(remaining);
            self.listing.observer.run(RunEvent::WaitingForDisk { files: files.len(), pause });
            tokio::time::sleep(pause).await;
            round += 1;
            let dids: Vec<_> = files.iter().map(|(entry, _)| entry.did.clone()).collect();
            match self.list_again(&dids).await {
                Ok(mut listed) => {
                    outage = Outage::default();
                    let is_ready = |entry: &ReplicaEntry| {
                        listed.get(&entry.did).is_some_and(|entry| self.planner.has_source(entry))
                    };
                    let (ready, rest): (Vec<_>, _) = files.into_iter().partition(|(entry, _)| is_ready(entry));
                    files = rest;
                    round = if ready.is_empty() { round } else { 0 };
                    for (entry, routes) in ready {
                        let entry = listed.remove(&entry.did).unwrap_or(entry);
                        self.plan_and_send(entry, &routes).await;
                    }
                }
                Err(error) => outage.wait(error).await?,
            }
        }
        for (entry, routes) in files {
            self.report_tape(&entry);
            self.plan_and_send(entry, &routes).await;
        }
        Ok(())
    }

    /// Lists the replicas of these files.
    async fn list_again(&self, dids: &[Did]) -> Result<HashMap<Did, ReplicaEntry>> {
        let mut listed = HashMap::new();
        for dids in dids.chunks(FILES_PER_CALL) {
            let query = Query { dids: dids.to_vec(), nrandom: None, ..self.listing.query.clone() };
            let mut stream = replicas::list(self.listing.client, &query).await?;
            while let Some(entry) = stream.next().await? {
                listed.insert(entry.did.clone(), entry);
            }
        }
        Ok(listed)
    }
}
