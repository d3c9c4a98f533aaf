//! Signed URLs expire after some minutes, also while a file is queued: then the server is asked for a new signature.

use super::super::FileDownload;
use crate::api::replicas::{self, Query};
use crate::http::Client;
use crate::storage::{Pfn, StorageError, StorageErrorKind};
use crate::transfer::job::{FileJob, Source};
use crate::transfer::plan;

impl FileDownload<'_> {
    /// Returns the source with a new signature, if it is signed and was refused. Any refusal counts, as storages differ
    /// in their answer to an expired URL; so callers ask only once per try.
    pub(crate) async fn with_new_signature(&self, source: &Source, refusal: &StorageError) -> Option<Source> {
        if !matches!(refusal.kind, StorageErrorKind::Denied | StorageErrorKind::Refused) || !source.pfn.is_signed() {
            return None;
        }
        let client = self.downloader.client?;
        match sign(client, self.job, source).await {
            Ok(found) => found,
            Err(error) => {
                tracing::debug!("no new signature for {}: {error}", self.job.did);
                None
            }
        }
    }
}

/// Lists the replicas of a file at one RSE, and returns the one with the same path.
async fn sign(client: &Client, job: &FileJob, source: &Source) -> crate::error::Result<Option<Source>> {
    let query = Query {
        dids: vec![job.did.clone()],
        domain: Some("all".to_owned()),
        schemes: Some(vec!["https".to_owned()]),
        rse_expression: Some(source.rse.clone()),
        resolve_archives: true,
        ..Query::default()
    };
    let Some(entry) = replicas::list(client, &query).await?.next().await? else { return Ok(None) };
    let sources = entry.pfns.iter().map(|(pfn, at)| plan::source(&entry.did, Pfn::from(pfn.as_str()), at));
    let is_same = |new: &Source| {
        (new.pfn.without_query(), &new.member) == (source.pfn.without_query(), &source.member)
            && new.pfn.is_signed()
            && new.pfn != source.pfn
    };
    Ok(sources.into_iter().find(is_same))
}
