//! Lists of the server that are complete, or an error: what came is compared with a number that is known otherwise, and
//! asked for again where rows are missing. A server that is killed in the middle of a list ends its answer like a whole
//! one, so the end of an answer proves nothing.
//!
//! Beside it, [`crate::api`] has the plain calls, and [`crate::transfer`] its own listing of replicas, which has to wait for
//! downloads.

mod complete;
mod count;
mod outage;
mod replicas;
mod row;

use futures_util::FutureExt;
use serde::de::DeserializeOwned;

use crate::api;
use crate::api::dids::{self, Search, TreeEntry};
use crate::api::rses::Rse;
use crate::error::Result;
use crate::http::{Client, JsonStream};
use crate::types::{CollectionContent, DatasetAtRse, DatasetReplica, Did, FoundDid};

pub use complete::CompleteList;
use complete::{Check, Open};
pub(crate) use count::size;
pub(crate) use outage::{BROKE_OFF, Outage};
pub(crate) use replicas::{FILES_PER_CALL, existing, incomplete};
pub use replicas::{ReplicaList, metalink};
pub use row::Row;
pub(crate) use row::{Fingerprint, fingerprint};

/// A list that is opened by this call.
fn opener<'c, T, F, A>(call: F) -> Open<'c, T>
where
    F: Fn() -> A + Send + Sync + 'c,
    A: Future<Output = Result<JsonStream<T>>> + Send + 'c,
{
    Box::new(move || call().boxed())
}

/// All files of a DID, however deep; compared with the number that the server counts.
pub async fn files<'c, T>(client: &'c Client, did: &Did) -> Result<CompleteList<'c, T>>
where
    T: DeserializeOwned + Row + 'static,
{
    let (title, check, did) = (format!("the list of files of {did}"), Check::Files(did.clone()), did.clone());
    let open = opener(move || {
        let did = did.clone();
        async move { dids::files(client, &did).await }
    });
    CompleteList::new(client, title, check, open).await
}

/// The direct content of a collection: of a dataset compared with the number of its files, of a container read twice.
pub async fn content<'c>(client: &'c Client, did: &Did) -> Result<CompleteList<'c, CollectionContent>> {
    let (title, check, did) = (format!("the content of {did}"), Check::Content(did.clone()), did.clone());
    let open = opener(move || {
        let did = did.clone();
        async move { dids::content(client, &did).await }
    });
    CompleteList::new(client, title, check, open).await
}

/// The DIDs of a scope that match a name with wildcards or a filter, read twice.
pub async fn search<'c>(client: &'c Client, search: Search<'c>) -> Result<CompleteList<'c, FoundDid>> {
    let title = format!("the list of DIDs in scope {}", search.scope);
    let open = opener(move || {
        let search = search.clone();
        async move { dids::search(client, &search).await }
    });
    CompleteList::new(client, title, Check::Twice, open).await
}

/// The RSEs that have files of a dataset, read twice; `deep` as in [`replicas::of_dataset`](api::replicas::of_dataset).
pub async fn replicas_of_dataset<'c>(
    client: &'c Client,
    did: &Did,
    deep: bool,
) -> Result<CompleteList<'c, DatasetReplica>> {
    let (title, did) = (format!("the list of replicas of {did}"), did.clone());
    let open = opener(move || {
        let did = did.clone();
        async move { api::replicas::of_dataset(client, &did, deep).await }
    });
    CompleteList::new(client, title, Check::Twice, open).await
}

/// The same for many datasets.
pub async fn replicas_of_datasets<'c>(client: &'c Client, dids: Vec<Did>) -> Result<CompleteList<'c, DatasetReplica>> {
    let title = format!("the list of replicas of {} datasets", dids.len());
    let open = opener(move || {
        let dids = dids.clone();
        async move { api::replicas::of_datasets(client, &dids).await }
    });
    CompleteList::new(client, title, Check::Twice, open).await
}

/// The datasets that have files at an RSE, read twice.
pub async fn datasets_at_rse<'c>(client: &'c Client, rse: &str) -> Result<CompleteList<'c, DatasetAtRse>> {
    let (title, rse) = (format!("the list of datasets at {rse}"), rse.to_owned());
    let open = opener(move || {
        let rse = rse.clone();
        async move { api::replicas::at_rse(client, &rse).await }
    });
    CompleteList::new(client, title, Check::Twice, open).await
}

/// Everything below a DID, read twice.
pub async fn tree<'c>(client: &'c Client, did: &Did) -> Result<CompleteList<'c, TreeEntry>> {
    let (title, did) = (format!("the list of what is below {did}"), did.clone());
    let open = opener(move || {
        let did = did.clone();
        async move { dids::tree(client, &did).await }
    });
    CompleteList::new(client, title, Check::Twice, open).await
}

/// The RSEs that an expression means, or all, read twice.
pub async fn rses<'c>(client: &'c Client, expression: Option<&str>) -> Result<CompleteList<'c, Rse>> {
    let expression = expression.map(str::to_owned);
    let open = opener(move || {
        let expression = expression.clone();
        async move { api::rses::list(client, expression.as_deref()).await }
    });
    CompleteList::new(client, "the list of RSEs".to_owned(), Check::Twice, open).await
}
