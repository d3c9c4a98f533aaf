//! Resolves the user's requests to DIDs.

use std::collections::{HashMap, HashSet};

use futures_util::stream::{self, StreamExt};
use serde_json::{Map, Value};

use super::events::{Observer, RunEvent};
use crate::api::dids::{self, Search};
use crate::error::Result;
use crate::http::Client;
use crate::lists;
use crate::types::{Did, FoundDid};

/// Number of DIDs counted concurrently.
const AT_A_TIME: usize = 4;
/// Minimum number of names that are looked up in batches: a list in a file may have thousands.
const MANY: usize = 16;
/// Maximum number of names in one lookup call.
const NAMES_PER_CALL: usize = 1000;

/// A request of the user: the DIDs of a scope that match a name and a filter.
#[derive(Debug, Clone)]
pub struct Wish {
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
    pub kind: Kind,
    /// Its number of files, if recorded by the server.
    pub length: Option<u64>,
    /// Its size in bytes, if recorded by the server.
    pub bytes: Option<u64>,
    /// Index of the request it belongs to.
    pub wish: usize,
    /// The collection that the target folder is named after, if it is not the DID itself.
    pub within: Option<Did>,
}

/// The type of a DID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
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
    fn found(found: FoundDid, wish: usize) -> Self {
        let kind = match found.did_type.as_deref().unwrap_or_default().to_ascii_uppercase().as_str() {
            "FILE" => Kind::File,
            "CONTAINER" => Kind::Container,
            _ => Kind::Dataset,
        };
        let length = if kind == Kind::File { Some(1) } else { found.length };
        Self { did: found.did, kind, length, bytes: found.bytes, wish, within: None }
    }

    /// Returns the DID that the target folder is named after.
    pub fn place(&self) -> &Did {
        self.within.as_ref().unwrap_or(&self.did)
    }

    /// Whether it is a dataset or a container.
    pub fn is_collection(&self) -> bool {
        matches!(self.kind, Kind::Dataset | Kind::Container)
    }

    /// Whether the server's length is missing or does not count files.
    fn is_uncounted(&self) -> bool {
        match self.kind {
            Kind::Container => true,
            Kind::Dataset => self.length.unwrap_or(0) == 0,
            Kind::File | Kind::Missing => false,
        }
    }
}

/// Resolves the requests to DIDs, without duplicates. A name without wildcards stays in the result even if the DID does
/// not exist. Errors: the server could not be queried.
pub async fn resolve(client: &Client, wishes: &[Wish], observer: &dyn Observer) -> Result<Vec<Requested>> {
    let mut known = HashSet::new();
    let mut requested = Vec::new();
    let together = look_up_names(client, wishes).await?;
    for (index, wish) in wishes.iter().enumerate() {
        let found = match (&together, wish.plain_name()) {
            (Some(found), Some(did)) => vec![
                found
                    .get(&did)
                    .map_or_else(|| missing(did.clone(), index), |found| Requested::found(found.clone(), index)),
            ],
            _ => look_up(client, wish, index).await?,
        };
        if found.is_empty() {
            observer.run(RunEvent::NothingFound(&wish.text));
        }
        let found = found.into_iter().map(|found| Requested { within: wish.within.clone(), ..found });
        requested.extend(found.filter(|found| known.insert((found.did.clone(), found.within.clone()))));
    }
    Ok(requested)
}

impl Wish {
    /// Returns the requested DID if the request is a single name without wildcards or filters.
    fn plain_name(&self) -> Option<Did> {
        let name = self.name.as_ref().filter(|name| !name.contains('*') && self.filters.is_empty())?;
        Some(Did::new(self.scope.as_str(), name.as_str()))
    }
}

/// Looks up all DIDs requested by name alone; returns those that exist, or `None` if there are fewer than [`MANY`].
async fn look_up_names(client: &Client, wishes: &[Wish]) -> Result<Option<HashMap<Did, FoundDid>>> {
    let names: Vec<_> = wishes.iter().filter_map(Wish::plain_name).collect();
    if names.len() < MANY {
        return Ok(None);
    }
    let mut found: HashMap<Did, FoundDid> = HashMap::new();
    for names in names.chunks(NAMES_PER_CALL) {
        // A name without a row need not be missing: the response may have been truncated.
        let mut names = names.to_vec();
        while !names.is_empty() {
            let (mut stream, asked) = (dids::many::<FoundDid>(client, &names).await?, names.len());
            while let Some(entry) = stream.next().await? {
                found.insert(entry.did.clone(), entry);
            }
            names.retain(|did| !found.contains_key(did));
            if names.len() == asked {
                break;
            }
        }
    }
    Ok(Some(found))
}

async fn look_up(client: &Client, wish: &Wish, index: usize) -> Result<Vec<Requested>> {
    let mut filters = wish.filters.clone();
    if let Some(name) = &wish.name {
        filters.insert("name".to_owned(), name.as_str().into());
    }
    let filters = Value::Array(vec![Value::Object(filters)]);
    let search = Search { scope: &wish.scope, filters, did_type: "all", recursive: false, limit: None };
    let is_exact = wish.name.as_ref().is_some_and(|name| !name.contains('*'));
    let rows = match is_exact {
        // At most one row.
        true => dids::search(client, &search).await?.collect().await?,
        false => lists::search(client, search).await?.collect().await?,
    };
    let mut found: Vec<_> = rows.into_iter().map(|row| Requested::found(row, index)).collect();
    let exact = wish.name.as_ref().filter(|_| found.is_empty() && is_exact);
    found.extend(exact.map(|name| missing(Did::new(wish.scope.as_str(), name.as_str()), index)));
    Ok(found)
}

fn missing(did: Did, wish: usize) -> Requested {
    Requested { did, kind: Kind::Missing, length: None, bytes: None, wish, within: None }
}

/// Returns number of files and size of each DID, as far as they are available.
pub async fn count(client: &Client, requested: &[Requested]) -> Vec<(Option<u64>, Option<u64>)> {
    stream::iter(requested).map(|one| count_one(client, one)).buffered(AT_A_TIME).collect().await
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
        Requested::found(serde_json::from_str(text).unwrap(), 0)
    }

    #[test]
    fn only_what_the_server_has_not_counted_is_counted() {
        let file = found(r#"{"scope": "s", "name": "f", "did_type": "FILE", "length": null, "bytes": 3}"#);
        assert_eq!((file.kind, file.length, file.is_uncounted()), (Kind::File, Some(1), false));
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
