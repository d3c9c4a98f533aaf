//! Resolves arguments, PFNs or DIDs, to PFNs.

use std::collections::HashMap;

use super::CHUNK;
use crate::api::dids;
use crate::api::replicas::{self, Query};
use crate::cli::context::Context;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::http::Client;
use crate::lists;
use crate::types::{Did, Metadata};

/// Returns the PFNs of the arguments, in order. Consecutive DIDs are looked up together.
pub(super) async fn resolve_pfns(
    context: &Context,
    client: &Client,
    words: &[String],
    collections: bool,
) -> Result<Vec<String>> {
    let mut pfns = Vec::new();
    for group in words.chunk_by(|left, right| is_pfn(left) == is_pfn(right)) {
        if group.iter().any(|word| is_pfn(word)) {
            pfns.extend_from_slice(group);
            continue;
        }
        for dids in context.dids(group)?.chunks(CHUNK) {
            check(client, dids, collections).await?;
            pfns.extend(listed(client, dids).await?);
        }
    }
    Ok(pfns)
}

fn is_pfn(word: &str) -> bool {
    word.contains("://")
}

/// Checks that the DIDs exist and, unless `collections`, that they are files.
async fn check(client: &Client, dids: &[Did], collections: bool) -> Result<()> {
    let types = types(client, dids).await?;
    for did in dids {
        match types.get(did).map(String::as_str) {
            None => {
                return Err(Error::new(
                    Exception::DataIdentifierNotFound,
                    format!("Data identifier '{did}' not found"),
                ));
            }
            Some("FILE") => {}
            Some(_) if collections => {}
            Some(kind) => {
                let message = format!(
                    "DID {did} is a collection and --allow-collection was not specified. (It is a {}.)",
                    kind.to_lowercase()
                );
                return Err(Error::new(Exception::InputValidationError, message)
                    .with_hint("To declare all its files bad, use --collection (rucio-admin: --allow-collection)."));
            }
        }
    }
    Ok(())
}

async fn types(client: &Client, dids: &[Did]) -> Result<HashMap<Did, String>> {
    if let [did] = dids {
        return Ok(HashMap::from([(did.clone(), dids::did_type(client, did).await?)]));
    }
    let found = lists::metadata::<Metadata>(client, dids).await?;
    Ok(found.into_iter().map(|metadata| (metadata.did, metadata.did_type)).collect())
}

async fn listed(client: &Client, dids: &[Did]) -> Result<Vec<String>> {
    let query = Query { dids: dids.to_vec(), ignore_availability: true, resolve_archives: true, ..Query::default() };
    let mut entries = replicas::list(client, &query).await?;
    let mut pfns = Vec::new();
    while let Some(entry) = entries.next().await? {
        pfns.extend(entry.pfns.into_iter().map(|(pfn, _)| pfn));
    }
    Ok(pfns)
}
