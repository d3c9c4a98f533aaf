//! The replicas of what was asked for, as jobs, while the server is still listing.
//!
//! A collection is listed by itself: then it is known which collection led to a file. Asking the server for it
//! (`resolve_parents`) makes a listing take three times as long.

use std::collections::HashMap;

use tokio::sync::mpsc;

use super::events::{Observer, RunEvent};
use super::job::FileJob;
use super::plan::{Planner, Route};
use super::resolve::Requested;
use super::selection::{Left, Selection};
use crate::api::replicas::{self, Query};
use crate::error::Result;
use crate::http::Client;
use crate::types::{Did, ReplicaEntry};

/// How many files are asked for in one call.
const FILES_PER_CALL: usize = 1000;

/// What to do when the server goes away in the middle.
const BROKE_OFF: &str = "Its list of files broke off. The files it had listed are here, unless a line above says otherwise; \
                         run the same command again to get the others.";

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
    pub async fn send(self, mut planner: Planner, jobs: mpsc::Sender<FileJob>) -> Result<Left> {
        let mut left = Left::default();
        for batch in batches(self.requested, self.query.nrandom.is_some()) {
            if jobs.is_closed() {
                break;
            }
            self.send_batch(&batch, &mut planner, &jobs, &mut left).await?;
        }
        Ok(left)
    }

    async fn send_batch(
        &self,
        batch: &[usize],
        planner: &mut Planner,
        jobs: &mpsc::Sender<FileJob>,
        left: &mut Left,
    ) -> Result<()> {
        let query = self.batch_query(batch);
        if let Some(number) = query.nrandom {
            let dids: Vec<_> = batch.iter().map(|index| &self.requested[*index].did).collect();
            self.observer.run(RunEvent::Choosing { number, dids: &dids });
        }
        let mut routes = Routes::new(self.requested, batch);
        let mut stream = replicas::list(self.client, &query).await?;
        let mut listed = 0;
        while let Some(entry) = stream.next().await.map_err(|error| error.with_hint(BROKE_OFF))? {
            listed += 1;
            if !self.selection.takes(&entry.did, left) {
                routes.of(&entry);
                continue;
            }
            if planner.only_excluded(&entry) {
                self.observer.run(RunEvent::OnlyOnTape(&entry.did));
            }
            let ways = routes.of(&entry);
            if ways.is_empty() {
                continue;
            }
            if jobs.send(planner.plan(entry, &ways)).await.is_err() {
                return Ok(());
            }
        }
        // Where the server chose the wished number by chance, it is no wonder that some have nothing.
        if query.nrandom != Some(listed) {
            self.send_missing(routes.unused(), jobs).await;
        }
        Ok(())
    }

    async fn send_missing(&self, missing: Vec<usize>, jobs: &mpsc::Sender<FileJob>) {
        for index in missing {
            let one = &self.requested[index];
            // Of many jobs that ask for the same, one tells; all, where there is nothing else.
            if !self.selection.is_mine(&one.did) {
                continue;
            }
            self.observer.run(RunEvent::DidMissing(&one.did));
            let job = FileJob { dataset: one.place().clone(), ..FileJob::unknown(one.did.clone(), index) };
            // If nobody takes it any more, the download is over.
            let _ = jobs.send(job).await;
        }
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

/// The calls to make: the files together, each collection by itself. Files chosen by chance are chosen from all that
/// one wish means.
fn batches(requested: &[Requested], by_chance: bool) -> Vec<Vec<usize>> {
    let mut batches: Vec<(usize, Vec<usize>)> = Vec::new();
    let mut seen: HashMap<&Did, usize> = HashMap::new();
    for (index, one) in requested.iter().enumerate() {
        // The same file for another folder goes into another call, whose rows lead there.
        let times = seen.entry(&one.did).and_modify(|times| *times += 1).or_default();
        let fits = |batch: &[usize]| match by_chance {
            true => requested[batch[0]].wish == one.wish,
            false => !one.is_collection() && !requested[batch[0]].is_collection() && batch.len() < FILES_PER_CALL,
        };
        match batches.iter_mut().rev().find(|(layer, batch)| layer == times && fits(batch)) {
            Some((_, batch)) => batch.push(index),
            None => batches.push((*times, vec![index])),
        }
    }
    batches.into_iter().map(|(_, batch)| batch).collect()
}

/// Which of the DIDs of a call led to a file, and which have led to none yet.
struct Routes<'a> {
    requested: &'a [Requested],
    by_did: HashMap<&'a Did, usize>,
    batch: &'a [usize],
    used: Vec<bool>,
}

impl<'a> Routes<'a> {
    fn new(requested: &'a [Requested], batch: &'a [usize]) -> Self {
        let by_did = batch.iter().enumerate().map(|(place, index)| (&requested[*index].did, place)).collect();
        Self { requested, by_did, batch, used: vec![false; batch.len()] }
    }

    fn of(&mut self, entry: &ReplicaEntry) -> Vec<Route<'a>> {
        let mut places: Vec<usize> = match self.batch {
            [only] if self.requested[*only].is_collection() => vec![0],
            _ => {
                let parents = entry.parents.iter().filter_map(|text| text.split_once(':'));
                let ways = parents.map(|(scope, name)| Did::new(scope, name)).chain([entry.did.clone()]);
                ways.filter_map(|did| self.by_did.get(&did).copied()).collect()
            }
        };
        places.sort_unstable();
        places.dedup();
        places.iter().for_each(|place| self.used[*place] = true);
        places.into_iter().map(|place| self.route(place)).collect()
    }

    fn route(&self, place: usize) -> Route<'a> {
        let request = self.batch[place];
        Route { request, did: self.requested[request].place() }
    }

    fn unused(&self) -> Vec<usize> {
        self.used.iter().zip(self.batch).filter(|(used, _)| !**used).map(|(_, index)| *index).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::resolve::Kind;
    use super::*;

    fn requested(specs: &[(&str, Kind, usize)]) -> Vec<Requested> {
        let one = |(name, kind, wish): &(&str, Kind, usize)| Requested {
            did: Did::new("s", *name),
            kind: *kind,
            length: None,
            bytes: None,
            wish: *wish,
            within: None,
        };
        specs.iter().map(one).collect()
    }

    fn entry(name: &str, parents: &str) -> ReplicaEntry {
        let text = format!(r#"{{"scope": "s", "name": "{name}", "parents": [{parents}]}}"#);
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn files_go_together_and_collections_alone() {
        use Kind::{Container, Dataset, File, Missing};
        let all =
            requested(&[("a", File, 0), ("b", Dataset, 1), ("c", Missing, 2), ("d", Container, 2), ("e", File, 2)]);
        assert_eq!(batches(&all, false), [vec![0, 2, 4], vec![1], vec![3]]);
        assert_eq!(batches(&all, true), [vec![0], vec![1], vec![2, 3, 4]]);
        let mut many = requested(&vec![("f", File, 0); 2500]);
        many.iter_mut().enumerate().for_each(|(number, one)| one.did.name = number.to_string());
        assert_eq!(batches(&many, false).iter().map(Vec::len).collect::<Vec<_>>(), [1000, 1000, 500]);
    }

    #[test]
    fn the_same_file_for_another_folder_is_another_call() {
        let mut all =
            requested(&[("a", Kind::File, 0), ("a", Kind::File, 1), ("b", Kind::File, 2), ("a", Kind::File, 3)]);
        all[1].within = Some(Did::new("s", "set"));
        assert_eq!(batches(&all, false), [vec![0, 2], vec![1], vec![3]]);
        let mut routes = Routes::new(&all, &[1]);
        assert_eq!(routes.of(&entry("a", ""))[0].did, &Did::new("s", "set"));
    }

    #[test]
    fn a_file_is_led_back_to_what_was_asked_for() {
        let all = requested(&[("set", Kind::Dataset, 0), ("f", Kind::File, 0), ("other", Kind::Dataset, 0)]);
        let mut alone = Routes::new(&all, &[0]);
        assert_eq!(alone.of(&entry("x", "")).iter().map(|way| way.request).collect::<Vec<_>>(), [0]);
        let mut mixed = Routes::new(&all, &[0, 1, 2]);
        let ways: Vec<_> = mixed.of(&entry("f", r#""s:set", "s:unasked""#)).iter().map(|way| way.request).collect();
        assert_eq!((ways, mixed.unused()), (vec![0, 1], vec![2]));
    }
}
