//! Complete lists of the replicas of files and of collections.

use std::collections::{HashSet, VecDeque};

use super::outage::{BROKE_OFF, Outage};
use super::row::{Fingerprint, fingerprint};
use super::{files, metadata, size};
use crate::api::replicas::{self, Query};
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::http::{Client, JsonStream};
use crate::types::{Did, Metadata, ReplicaEntry};

/// Maximum number of files per call, as limited by the server.
pub(crate) const FILES_PER_CALL: usize = 1000;
/// Maximum number of calls without a row before the list is given up.
const MAX_STALLS: u32 = 3;

/// The rows of `POST /replicas/list`, complete. The server lists a collection in one response, but omits files without
/// a replica, so the number of rows may be smaller than that of the files. In that case the files without a row are
/// requested by name: such a response has a row for every file that exists.
#[derive(Debug)]
pub(crate) struct ReplicaList<'c> {
    client: &'c Client,
    query: Query,
    /// The collections among the DIDs.
    collections: Vec<Did>,
    rows: JsonStream<ReplicaEntry>,
    /// Files that had a row in the first response; sorted when it has ended.
    listed: Vec<Fingerprint>,
    /// Calls to make after the first one.
    calls: VecDeque<Call>,
    /// The call whose response is being read.
    call: Option<Call>,
    stalls: u32,
    outage: Outage,
}

/// A call that requests files by name.
#[derive(Debug)]
struct Call {
    files: Vec<Did>,
    /// Whether the user requested their collection.
    of_collection: bool,
    answered: HashSet<Fingerprint>,
}

impl Call {
    fn new(files: Vec<Did>, of_collection: bool) -> Self {
        Self { files, of_collection, answered: HashSet::new() }
    }
}

impl<'c> ReplicaList<'c> {
    /// Requests the replicas of DIDs, of which `collections` are collections.
    ///
    /// Errors: those of the first response, which is not retried.
    pub(crate) async fn new(client: &'c Client, query: Query, collections: Vec<Did>) -> Result<Self> {
        let rows = replicas::list(client, &query).await?;
        let (listed, calls, call, outage) = (Vec::new(), VecDeque::new(), None, Outage::default());
        Ok(Self { client, query, collections, rows, listed, calls, call, stalls: 0, outage })
    }

    /// Returns the next file, `None` at the end of the complete list.
    ///
    /// Errors: `ServerConnectionException` if the server does not return the rest after several attempts.
    pub(crate) async fn next(&mut self) -> Result<Option<ReplicaEntry>> {
        loop {
            match self.rows.next().await {
                Ok(Some(entry)) if self.is_wanted(&entry) => return Ok(Some(entry)),
                Ok(Some(_)) => continue,
                Ok(None) if self.call.is_none() && self.has_all().await? => return Ok(None),
                Ok(None) => self.sort_out_missing(true).await?,
                Err(error) => {
                    self.outage.wait(error).await?;
                    self.sort_out_missing(false).await?;
                }
            }
            let Some(call) = self.calls.pop_front() else { return Ok(None) };
            self.request_files(call).await?;
        }
    }

    /// Returns whether a row belongs to the list: not if it is a duplicate, or if the list of its collection would omit
    /// it.
    fn is_wanted(&mut self, entry: &ReplicaEntry) -> bool {
        let file = fingerprint(&entry.did);
        match &mut self.call {
            None => {
                self.listed.push(file);
                true
            }
            Some(call) => call.answered.insert(file) && !(call.of_collection && entry.is_without_replica()),
        }
    }

    /// Returns whether the first response has all files, by their number.
    async fn has_all(&mut self) -> Result<bool> {
        self.listed.sort_unstable();
        self.listed.dedup();
        let mut expected = (self.query.dids.len() - self.collections.len()) as u64;
        for collection in &self.collections {
            let size = loop {
                match size(self.client, collection).await {
                    Ok(size) => break size,
                    Err(error) => self.outage.wait(error).await?,
                }
            };
            let Some(files) = size.files else { return Ok(false) };
            expected += files;
        }
        Ok(self.listed.len() as u64 == expected)
    }

    /// Plans the calls for files without a row. `is_whole` is false if the last response was interrupted.
    async fn sort_out_missing(&mut self, is_whole: bool) -> Result<()> {
        match self.call.take() {
            None => self.plan_calls().await,
            Some(call) => {
                let unanswered = |did: &Did| !call.answered.contains(&fingerprint(did));
                let missing: Vec<_> = call.files.into_iter().filter(unanswered).collect();
                let has_progress = !call.answered.is_empty();
                let missing = match is_whole && !has_progress {
                    true => self.stall(missing).await?,
                    false => missing,
                };
                if !missing.is_empty() {
                    self.calls.push_front(Call::new(missing, call.of_collection));
                }
                Ok(())
            }
        }
    }

    /// Plans calls by name for everything that had no row in the first response.
    async fn plan_calls(&mut self) -> Result<()> {
        self.listed.sort_unstable();
        let mut planned: HashSet<Fingerprint> = HashSet::new();
        let listed = std::mem::take(&mut self.listed);
        let mut is_missing = |did: &Did| {
            let file = fingerprint(did);
            listed.binary_search(&file).is_err() && planned.insert(file)
        };
        let is_file = |did: &&Did| !self.collections.contains(did);
        let named: Vec<_> = self.query.dids.iter().filter(is_file).filter(|did| is_missing(did)).cloned().collect();
        let mut of_collections = Vec::new();
        for collection in &self.collections {
            let mut names = files::<Did>(self.client, collection).await?;
            while let Some(did) = names.next().await? {
                if is_missing(&did) {
                    of_collections.push(did);
                }
            }
        }
        for (files, of_collection) in [(of_collections, true), (named, false)] {
            let chunks = files.chunks(FILES_PER_CALL);
            self.calls.extend(chunks.map(|files| Call::new(files.to_vec(), of_collection)));
        }
        Ok(())
    }

    /// Handles a response without a row for any of these files. Returns those to request again.
    async fn stall(&mut self, missing: Vec<Did>) -> Result<Vec<Did>> {
        let missing = existing(self.client, missing).await?;
        if let Some(one) = missing.first() {
            self.stalls += 1;
            if self.stalls >= MAX_STALLS {
                return Err(incomplete(one, missing.len()));
            }
            self.outage.pause(&format!("{one} and {} other files are missing", missing.len() - 1)).await;
        }
        Ok(missing)
    }

    async fn request_files(&mut self, call: Call) -> Result<()> {
        // The files of a collection requested by its own name are not looked up in archives.
        let resolve_archives = self.query.resolve_archives && !call.of_collection;
        let query = Query { dids: call.files.clone(), resolve_archives, ..self.query.clone() };
        self.rows = loop {
            match replicas::list(self.client, &query).await {
                Ok(rows) => break rows,
                Err(error) => self.outage.wait(error).await?,
            }
        };
        self.call = Some(call);
        Ok(())
    }
}

/// Returns the replicas as a metalink document (RFC 5854), whose closing tag shows that it is complete.
pub(crate) async fn metalink(client: &Client, query: &Query) -> Result<String> {
    let (mut outage, mut stalls) = (Outage::default(), 0);
    loop {
        match replicas::metalink(client, query).await {
            Ok(document) if document.trim_end().ends_with("</metalink>") => return Ok(document),
            Ok(_) => {
                stalls += 1;
                if stalls >= MAX_STALLS {
                    let details = "The metalink document of the server is incomplete: its last tag is missing.";
                    return Err(Error::new(Exception::ServerConnectionException, details).with_hint(BROKE_OFF));
                }
                outage.pause("the end of the metalink document is missing").await;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Returns those of the files that are in the catalogue.
pub(crate) async fn existing(client: &Client, files: Vec<Did>) -> Result<Vec<Did>> {
    let found = metadata::<Metadata>(client, &files).await?;
    let known: HashSet<_> = found.into_iter().map(|row| row.did).collect();
    Ok(files.into_iter().filter(|did| known.contains(did)).collect())
}

/// Creates the error for files that the server repeatedly omits from its list.
pub(crate) fn incomplete(one: &Did, number: usize) -> Error {
    let details = format!("The server omits {number} files from its list, one of them {one}.");
    Error::new(Exception::ServerConnectionException, details).with_hint(BROKE_OFF)
}
