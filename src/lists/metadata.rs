//! Metadata of many DIDs, complete.

use std::collections::HashSet;

use serde::de::DeserializeOwned;

use super::row::Row;
use crate::api::dids;
use crate::error::Result;
use crate::http::Client;
use crate::types::Did;

/// Returns the metadata of those DIDs that exist, as far as `T` has the fields, in the server's order. A DID without a row
/// need not be missing, because the response may have been cut: it is requested again until a response has nothing new.
pub(crate) async fn metadata<T: DeserializeOwned + Row>(client: &Client, dids: &[Did]) -> Result<Vec<T>> {
    let (mut found, mut known) = (Vec::new(), HashSet::new());
    let mut missing = dids.to_vec();
    while !missing.is_empty() {
        let requested = missing.len();
        let mut rows = dids::many::<T>(client, &missing).await?;
        while let Some(row) = rows.next().await? {
            known.insert(row.key());
            found.push(row);
        }
        missing.retain(|did| !known.contains(&did.key()));
        if missing.len() == requested || rows.has_length() {
            break;
        }
    }
    Ok(found)
}
