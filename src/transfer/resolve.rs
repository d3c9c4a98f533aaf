//! From what the user asks for to the DIDs that are meant.

use std::collections::{HashMap, HashSet};

use futures_util::stream::{self, StreamExt};
use serde_json::{Map, Value};

use super::events::{Observer, RunEvent};
use crate::api::dids::{self, Search};
use crate::error::Result;
use crate::http::Client;
use crate::lists;
use crate::types::{Did, FoundDid};

/// How many DIDs are counted at a time.
const AT_A_TIME: usize = 4;
/// From this many names on, they are looked up together: a list in a file may have thousands.
const MANY: usize = 16;
/// How many names are looked up in one call.
const NAMES_PER_CALL: usize = 1000;

/// What the user asks for: the DIDs of a scope that fit a name and a filter.
#[derive(Debug, Clone)]
pub struct Wish {
    /// As the user wrote it, for messages.
    pub text: String,
    /// The scope to look in.
    pub scope: String,
    /// The name, which may have wildcards; none if the filter alone decides.
    pub name: Option<String>,
    /// Conditions on metadata.
    pub filters: Map<String, Value>,
    /// The collection that names the folder, where it is another one than what is asked for.
    pub within: Option<Did>,
}

/// A DID that is meant.
#[derive(Debug, Clone)]
pub struct Requested {
    /// Which DID.
    pub did: Did,
    /// What it is.
    pub kind: Kind,
    /// The number of files it has, where the server keeps it.
    pub length: Option<u64>,
    /// Its size, where the server keeps it.
    pub bytes: Option<u64>,
    /// The place of the wish that led to it.
    pub wish: usize,
    /// The collection that names the folder, where it is another one.
    pub within: Option<Did>,
}

/// What a DID is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A file.
    File,
    /// A set of files.
    Dataset,
    /// A set of datasets.
    Container,
    /// The server does not know it.
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

    /// What names the folder of its files.
    pub fn place(&self) -> &Did {
        self.within.as_ref().unwrap_or(&self.did)
    }

    /// Whether it is a collection of files.
    pub fn is_collection(&self) -> bool {
        matches!(self.kind, Kind::Dataset | Kind::Container)
    }

    /// Whether the server's own count is missing or does not count files.
    fn is_uncounted(&self) -> bool {
        match self.kind {
            Kind::Container => true,
            Kind::Dataset => self.length.unwrap_or(0) == 0,
            Kind::File | Kind::Missing => false,
        }
    }
}

/// The DIDs that the wishes mean, each once. A name without wildcards is kept even if there is no such DID.
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
    /// The one DID that is asked for, if it is one.
    fn plain_name(&self) -> Option<Did> {
        let name = self.name.as_ref().filter(|name| !name.contains('*') && self.filters.is_empty())?;
        Some(Did::new(self.scope.as_str(), name.as_str()))
    }
}

/// All DIDs that are asked for by name alone, as far as they exist; none if they are few.
async fn look_up_names(client: &Client, wishes: &[Wish]) -> Result<Option<HashMap<Did, FoundDid>>> {
    let names: Vec<_> = wishes.iter().filter_map(Wish::plain_name).collect();
    if names.len() < MANY {
        return Ok(None);
    }
    let mut found: HashMap<Did, FoundDid> = HashMap::new();
    for names in names.chunks(NAMES_PER_CALL) {
        // What the answer lacks need not be missing: it may have been cut short.
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
        // At most one.
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

/// Number of files and size of each DID, as far as they can be had.
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
