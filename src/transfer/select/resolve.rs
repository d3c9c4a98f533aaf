//! Resolves the user's requests to DIDs.

use std::collections::{HashMap, HashSet};

use futures_util::stream::{self, StreamExt};
use serde_json::{Map, Value};

use crate::api::dids::{self, Search};
use crate::error::Result;
use crate::http::Client;
use crate::lists;
use crate::transfer::events::{DownloadObserver, RunEvent};
use crate::types::{Did, FoundDid};

/// Number of DIDs counted concurrently. Chosen: more would compete with the listing at the server.
const CONCURRENT_COUNTS: usize = 4;
/// Minimum number of names that are looked up in batches: a list in a file may have thousands.
const BATCH_LOOKUP_FROM: usize = 16;
/// Maximum number of names in one lookup call. Chosen: a request below a megabyte.
const NAMES_PER_CALL: usize = 1000;

/// A request of the user: the DIDs of a scope that match a name and a filter.
#[derive(Debug, Clone)]
pub struct DidRequest {
    /// The text of the user, for messages.
    pub text: String,
    /// The scope to search.
    pub scope: String,
    /// The name, which may have wildcards; `None` if the filter alone decides.
    pub name: Option<String>,
    /// Metadata filters.
    pub filters: Map<String, Value>,
    /// The collection that the target folder is named after, if it is not the DID itself.
    pub within: Option<Did>,
}

/// A requested DID.
#[derive(Debug, Clone)]
pub struct Requested {
    /// The DID.
    pub did: Did,
    /// Its type.
    pub kind: DidKind,
    /// Its number of files, if recorded by the server.
    pub length: Option<u64>,
    /// Its size in bytes, if recorded by the server.
    pub bytes: Option<u64>,
    /// Index of the request it belongs to.
    pub request: usize,
    /// The collection that the target folder is named after, if it is not the DID itself.
    pub within: Option<Did>,
}

/// The type of a DID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DidKind {
    /// A file.
    File,
    /// A dataset.
    Dataset,
    /// A container.
    Container,
    /// Not found on the server.
    Missing,
}

impl Requested {
    fn from_found(found: FoundDid, request: usize) -> Self {
        let kind = match found.did_type.as_deref().unwrap_or_default().to_ascii_uppercase().as_str() {
            "FILE" => DidKind::File,
            "CONTAINER" => DidKind::Container,
            _ => DidKind::Dataset,
        };
        let length = if kind == DidKind::File { Some(1) } else { found.length };
        Self { did: found.did, kind, length, bytes: found.bytes, request, within: None }
    }

    /// Returns the DID that the target folder is named after.
    pub fn folder_did(&self) -> &Did {
        self.within.as_ref().unwrap_or(&self.did)
    }

    /// Whether it is a dataset or a container.
    pub fn is_collection(&self) -> bool {
        matches!(self.kind, DidKind::Dataset | DidKind::Container)
    }

    /// Whether the server's length is missing or does not count files.
    fn is_uncounted(&self) -> bool {
        match self.kind {
            DidKind::Container => true,
            DidKind::Dataset => self.length.unwrap_or(0) == 0,
            DidKind::File | DidKind::Missing => false,
        }
    }
}

/// Resolves the requests to DIDs, without duplicates. A name without wildcards stays in the result even if the DID does
/// not exist. Errors: the server could not be queried.
pub async fn resolve(
    client: &Client,
    requests: &[DidRequest],
    observer: &dyn DownloadObserver,
) -> Result<Vec<Requested>> {
    let mut known = HashSet::new();
    let mut requested = Vec::new();
    let together = look_up_names(client, requests).await?;
    for (index, request) in requests.iter().enumerate() {
        let found = match (&together, request.plain_name()) {
            (Some(found), Some(did)) => vec![
                found
                    .get(&did)
                    .map_or_else(|| missing(did.clone(), index), |found| Requested::from_found(found.clone(), index)),
            ],
            _ => look_up(client, request, index).await?,
        };
        if found.is_empty() {
            observer.run(RunEvent::NothingFound(&request.text));
        }
        let found = found.into_iter().map(|found| Requested { within: request.within.clone(), ..found });
        requested.extend(found.filter(|found| known.insert((found.did.clone(), found.within.clone()))));
    }
    Ok(requested)
}

impl DidRequest {
    /// Returns the requested DID if the request is a single name without wildcards or filters.
    fn plain_name(&self) -> Option<Did> {
        let name = self.name.as_ref().filter(|name| !name.contains('*') && self.filters.is_empty())?;
        Some(Did::new(self.scope.as_str(), name.as_str()))
    }
}

/// Looks up all DIDs requested by name alone; returns those that exist, or `None` if there are fewer than [`BATCH_LOOKUP_FROM`].
async fn look_up_names(client: &Client, requests: &[DidRequest]) -> Result<Option<HashMap<Did, FoundDid>>> {
    let names: Vec<_> = requests.iter().filter_map(DidRequest::plain_name).collect();
    if names.len() < BATCH_LOOKUP_FROM {
        return Ok(None);
    }
    let mut found: HashMap<Did, FoundDid> = HashMap::new();
    for names in names.chunks(NAMES_PER_CALL) {
        let rows = lists::metadata::<FoundDid>(client, names).await?;
        found.extend(rows.into_iter().map(|row| (row.did.clone(), row)));
    }
    Ok(Some(found))
}

async fn look_up(client: &Client, request: &DidRequest, index: usize) -> Result<Vec<Requested>> {
    let mut filters = request.filters.clone();
    if let Some(name) = &request.name {
        filters.insert("name".to_owned(), name.as_str().into());
    }
    let filters = Value::Array(vec![Value::Object(filters)]);
    let search = Search { scope: &request.scope, filters, did_type: "all", recursive: false, limit: None };
    let is_exact = request.name.as_ref().is_some_and(|name| !name.contains('*'));
    let rows = if is_exact {
        // At most one row.
        dids::search(client, &search).await?.collect().await?
    } else {
        lists::search(client, search).await?.collect().await?
    };
    let mut found: Vec<_> = rows.into_iter().map(|row| Requested::from_found(row, index)).collect();
    if let Some(name) = &request.name
        && is_exact
        && found.is_empty()
    {
        found.push(missing(Did::new(request.scope.as_str(), name.as_str()), index));
    }
    Ok(found)
}

fn missing(did: Did, request: usize) -> Requested {
    Requested { did, kind: DidKind::Missing, length: None, bytes: None, request, within: None }
}

/// Returns number of files and size of each DID, as far as they are available.
pub async fn count(client: &Client, requested: &[Requested]) -> Vec<(Option<u64>, Option<u64>)> {
    stream::iter(requested).map(|one| count_one(client, one)).buffered(CONCURRENT_COUNTS).collect().await
}

async fn count_one(client: &Client, one: &Requested) -> (Option<u64>, Option<u64>) {
    if !one.is_uncounted() {
        return (one.length, one.bytes);
    }
    match lists::size(client, &one.did).await {
        Ok(size) => (size.files, size.bytes),
        Err(error) => {
            tracing::debug!("{} cannot be counted: {error}", one.did);
            (None, None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Requested {
        Requested::from_found(serde_json::from_str(text).unwrap(), 0)
    }

    #[test]
    fn resolve_counts_only_what_the_server_has_not() {
        let file = found(r#"{"scope": "s", "name": "f", "did_type": "FILE", "length": null, "bytes": 3}"#);
        assert_eq!((file.kind, file.length, file.is_uncounted()), (DidKind::File, Some(1), false));
        let closed = found(r#"{"scope": "s", "name": "d", "did_type": "DATASET", "length": 2, "bytes": 3}"#);
        assert!(closed.is_collection() && !closed.is_uncounted());
        for text in [
            r#"{"scope": "s", "name": "d", "did_type": "DATASET", "length": null, "bytes": null}"#,
            r#"{"scope": "s", "name": "d", "did_type": "DATASET", "length": 0, "bytes": 0}"#,
            r#"{"scope": "s", "name": "c", "did_type": "CONTAINER", "length": 2, "bytes": 3}"#,
        ] {
            assert!(found(text).is_uncounted(), "{text}");
        }
        assert!(!missing(Did::new("s", "x"), 0).is_uncounted());
    }
}
