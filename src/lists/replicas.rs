//! The replicas of files, and of all files of collections.

use std::collections::{HashSet, VecDeque};

use super::outage::{BROKE_OFF, Outage};
use super::row::{Fingerprint, fingerprint};
use super::{files, size};
use crate::api::dids;
use crate::api::replicas::{self, Query};
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::http::{Client, JsonStream};
use crate::types::{Did, Metadata, ReplicaEntry};

/// How many files are asked for in one call; the server takes no more.
pub(crate) const FILES_PER_CALL: usize = 1000;
/// How often files may be asked for without an answer before the list is given up.
const STALLS: u32 = 3;

/// The rows of `POST /replicas/list`, complete. The server lists a collection by its own name in one answer, but leaves
/// files without a replica out, so the number of rows need not be that of its files. Where it is not, the files that
/// had no row are asked for by their names: such an answer has a row for every file that exists.
#[derive(Debug)]
pub struct ReplicaList<'c> {
    client: &'c Client,
    query: Query,
    /// Which of the DIDs are collections.
    collections: Vec<Did>,
    rows: JsonStream<ReplicaEntry>,
    /// The files that had a row in the first answer; sorted when that has ended.
    listed: Vec<Fingerprint>,
    /// The calls to make after the first one.
    calls: VecDeque<Call>,
    /// The one whose answer is read.
    call: Option<Call>,
    stalls: u32,
    outage: Outage,
}

/// Files that are asked for by their names.
#[derive(Debug)]
struct Call {
    files: Vec<Did>,
    /// Whether it was their collection that was asked for.
    of_collection: bool,
    answered: HashSet<Fingerprint>,
}

impl Call {
    fn new(files: Vec<Did>, of_collection: bool) -> Self {
        Self { files, of_collection, answered: HashSet::new() }
    }
}

impl<'c> ReplicaList<'c> {
    /// Asks for the replicas of DIDs, of which these are collections.
    ///
    /// Errors: those of the first answer, which is not asked for again.
    pub async fn new(client: &'c Client, query: Query, collections: Vec<Did>) -> Result<Self> {
        let rows = replicas::list(client, &query).await?;
        let (listed, calls, call, outage) = (Vec::new(), VecDeque::new(), None, Outage::default());
        Ok(Self { client, query, collections, rows, listed, calls, call, stalls: 0, outage })
    }

    /// The next file, or none at the end of the complete list.
    ///
    /// Errors: `ServerConnectionException` if the server does not give the rest, however often it is asked.
    pub async fn next(&mut self) -> Result<Option<ReplicaEntry>> {
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
            self.ask(call).await?;
        }
    }

    /// Whether a row belongs to the list: not if its collection's own list would leave it out.
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

    /// Whether the first answer has as many files as there are.
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

    /// Plans the calls for files that had no row. `is_whole` says whether the answer before ended as it should.
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

    /// The first answer has ended: everything that had no row in it is asked for by name.
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

    /// The server answered without a row for any of these files. Gives those to ask for again.
    async fn stall(&mut self, missing: Vec<Did>) -> Result<Vec<Did>> {
        let missing = existing(self.client, missing).await?;
        if let Some(one) = missing.first() {
            self.stalls += 1;
            if self.stalls >= STALLS {
                return Err(incomplete(one, missing.len()));
            }
            self.outage.pause(&format!("{one} and {} other files are missing", missing.len() - 1)).await;
        }
        Ok(missing)
    }

    async fn ask(&mut self, call: Call) -> Result<()> {
        // A collection's files are not looked for in archives where it is asked for by its own name.
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

/// The replicas as a metalink document (RFC 5854), whose last tag shows that it is whole.
pub async fn metalink(client: &Client, query: &Query) -> Result<String> {
    let (mut outage, mut stalls) = (Outage::default(), 0);
    loop {
        match replicas::metalink(client, query).await {
            Ok(document) if document.trim_end().ends_with("</metalink>") => return Ok(document),
            Ok(_) => {
                stalls += 1;
                if stalls >= STALLS {
                    let details = "The metalink document of the server is not complete: its last tag is missing.";
                    return Err(Error::new(Exception::ServerConnectionException, details).with_hint(BROKE_OFF));
                }
                outage.pause("the end of the metalink document is missing").await;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Those of these files that the catalogue knows.
pub(crate) async fn existing(client: &Client, files: Vec<Did>) -> Result<Vec<Did>> {
    let mut known: HashSet<Did> = HashSet::new();
    // The answer may be cut as well, so what it lacks is asked for until it brings nothing more.
    loop {
        let (asked, before): (Vec<_>, _) =
            (files.iter().filter(|did| !known.contains(did)).cloned().collect(), known.len());
        if asked.is_empty() {
            break;
        }
        let mut rows = dids::many::<Metadata>(client, &asked).await?;
        while let Some(row) = rows.next().await? {
            known.insert(row.did);
        }
        if known.len() == before {
            break;
        }
    }
    Ok(files.into_iter().filter(|did| known.contains(did)).collect())
}

/// The error for files that the server leaves out of its list, however often it is asked.
pub(crate) fn incomplete(one: &Did, number: usize) -> Error {
    let details = format!("The server does not list {number} files that it knows, one of them {one}.");
    Error::new(Exception::ServerConnectionException, details).with_hint(BROKE_OFF)
}
