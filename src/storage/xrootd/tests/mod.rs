//! The client against a peer that plays frames. Real servers: `tests/storage/xrootd.rs`.

mod faults;
mod logins;
mod peer;
mod reading;
mod routes;
mod writing;

use std::time::Duration;

use crate::storage::{ObjectReader, Result, Storage, StorageError};
use crate::testing::{xrootd, xrootd_with};
use peer::Peer;

/// How long the client waits for a silent peer where a test needs it to give up, or to wait for longer.
const SILENCE: Duration = Duration::from_secs(1);

/// Reads everything.
async fn all(mut reader: ObjectReader) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(chunk) = reader.next().await? {
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// Downloads the file of a peer.
async fn download(peer: &Peer) -> Result<Vec<u8>> {
    all(xrootd().get(&peer.pfn(), None).await?).await
}

/// The same with little patience.
async fn download_impatiently(peer: &Peer) -> Result<Vec<u8>> {
    all(xrootd_with(SILENCE).get(&peer.pfn(), None).await?).await
}

/// Downloads the file of a peer, which fails.
async fn failure(peer: &Peer) -> StorageError {
    download_impatiently(peer).await.expect_err("the file has arrived")
}
