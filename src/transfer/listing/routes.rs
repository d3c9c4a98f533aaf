//! Splits the requested DIDs into calls and maps listed files back to the requests.

use std::collections::HashMap;

use crate::lists::FILES_PER_CALL;
use crate::transfer::plan::Route;
use crate::transfer::select::resolve::{DidKind, Requested};
use crate::types::{Did, ReplicaEntry};

/// Returns the calls to make, as indices into `requested`: files together, each collection in a call of its own. Files
/// chosen at random are chosen from all DIDs of one request.
pub(super) fn batches(requested: &[Requested], at_random: bool) -> Vec<Vec<usize>> {
    let mut batches: Vec<(usize, Vec<usize>)> = Vec::new();
    let mut seen: HashMap<&Did, usize> = HashMap::new();
    for (index, one) in requested.iter().enumerate() {
        // The same file for another folder goes into another call, whose rows lead to that folder.
        let times = seen.entry(&one.did).and_modify(|times| *times += 1).or_default();
        let fits = |batch: &[usize]| {
            let first = &requested[batch[0]];
            if at_random {
                first.request == one.request
            } else {
                !one.is_collection() && !first.is_collection() && batch.len() < FILES_PER_CALL
            }
        };
        match batches.iter_mut().rev().find(|(layer, batch)| layer == times && fits(batch)) {
            Some((_, batch)) => batch.push(index),
            None => batches.push((*times, vec![index])),
        }
    }
    batches.into_iter().map(|(_, batch)| batch).collect()
}

/// Maps listed files to the DIDs of one call and marks the DIDs that led to a file.
pub(super) struct Routes<'a> {
    requested: &'a [Requested],
    by_did: HashMap<&'a Did, usize>,
    batch: &'a [usize],
    used: Vec<bool>,
}

impl<'a> Routes<'a> {
    pub(super) fn new(requested: &'a [Requested], batch: &'a [usize]) -> Self {
        let by_did = batch.iter().enumerate().map(|(position, index)| (&requested[*index].did, position)).collect();
        Self { requested, by_did, batch, used: vec![false; batch.len()] }
    }

    /// Returns the collection that all files of this call belong to, if the call lists a single collection.
    pub(super) fn collection(&self) -> Option<&'a Requested> {
        let [index] = self.batch else { return None };
        Some(&self.requested[*index]).filter(|one| one.is_collection())
    }

    pub(super) fn routes_to(&mut self, entry: &ReplicaEntry) -> Vec<Route<'a>> {
        let mut positions: Vec<usize> = match self.collection() {
            Some(_) => vec![0],
            None => {
                let parents = entry.parents.iter().filter_map(|text| text.split_once(':'));
                let dids = parents.map(|(scope, name)| Did::new(scope, name)).chain([entry.did.clone()]);
                dids.filter_map(|did| self.by_did.get(&did).copied()).collect()
            }
        };
        positions.sort_unstable();
        positions.dedup();
        positions.iter().for_each(|position| self.used[*position] = true);
        positions.into_iter().map(|position| self.route(position)).collect()
    }

    fn route(&self, position: usize) -> Route<'a> {
        let request = self.batch[position];
        Route { request, did: self.requested[request].folder_did() }
    }

    /// Whether this DID was requested but does not exist in the catalogue.
    pub(super) fn is_unknown(&self, did: &Did) -> bool {
        self.by_did.get(did).is_some_and(|position| self.requested[self.batch[*position]].kind == DidKind::Missing)
    }

    /// Marks all DIDs of the call as used: they have files, although none is listed.
    pub(super) fn mark_used(&mut self) {
        self.used.fill(true);
    }

    pub(super) fn unused(&self) -> Vec<usize> {
        self.used.iter().zip(self.batch).filter(|(used, _)| !**used).map(|(_, index)| *index).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requested(specs: &[(&str, DidKind, usize)]) -> Vec<Requested> {
        let one = |(name, kind, request): &(&str, DidKind, usize)| Requested {
            did: Did::new("s", *name),
            kind: *kind,
            length: None,
            bytes: None,
            request: *request,
            within: None,
        };
        specs.iter().map(one).collect()
    }

    fn entry(name: &str, parents: &str) -> ReplicaEntry {
        let text = format!(r#"{{"scope": "s", "name": "{name}", "parents": [{parents}]}}"#);
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn listing_calls_have_many_files_or_one_collection() {
        use DidKind::{Container, Dataset, File, Missing};
        let all =
            requested(&[("a", File, 0), ("b", Dataset, 1), ("c", Missing, 2), ("d", Container, 2), ("e", File, 2)]);
        assert_eq!(batches(&all, false), [vec![0, 2, 4], vec![1], vec![3]]);
        assert_eq!(batches(&all, true), [vec![0], vec![1], vec![2, 3, 4]]);
        let mut many = requested(&vec![("f", File, 0); 2500]);
        many.iter_mut().enumerate().for_each(|(number, one)| one.did.name = number.to_string());
        assert_eq!(batches(&many, false).iter().map(Vec::len).collect::<Vec<_>>(), [1000, 1000, 500]);
    }

    #[test]
    fn listing_of_a_file_for_another_folder_is_another_call() {
        let mut all = requested(&[
            ("a", DidKind::File, 0),
            ("a", DidKind::File, 1),
            ("b", DidKind::File, 2),
            ("a", DidKind::File, 3),
        ]);
        all[1].within = Some(Did::new("s", "set"));
        assert_eq!(batches(&all, false), [vec![0, 2], vec![1], vec![3]]);
        let mut routes = Routes::new(&all, &[1]);
        assert_eq!(routes.routes_to(&entry("a", ""))[0].did, &Did::new("s", "set"));
    }

    #[test]
    fn listing_leads_each_file_back_to_its_request() {
        let all = requested(&[("set", DidKind::Dataset, 0), ("f", DidKind::File, 0), ("other", DidKind::Dataset, 0)]);
        let mut alone = Routes::new(&all, &[0]);
        assert_eq!(alone.routes_to(&entry("x", "")).iter().map(|way| way.request).collect::<Vec<_>>(), [0]);
        let mut mixed = Routes::new(&all, &[0, 1, 2]);
        let dids: Vec<_> =
            mixed.routes_to(&entry("f", r#""s:set", "s:unasked""#)).iter().map(|way| way.request).collect();
        assert_eq!((dids, mixed.unused()), (vec![0, 1], vec![2]));
    }
}
