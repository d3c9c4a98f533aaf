//! Complete lists from the server, or an error: the rows are compared with a count known from elsewhere, and requested
//! again if some are missing. A server process that is killed in the middle of a list ends its response like a complete
//! one, so the end of a response proves nothing.
//!
//! The plain calls are in [`crate::api`]; [`crate::transfer`] has a replica listing of its own, which has to wait for
//! downloads.

mod accounts;
mod complete;
mod count;
mod metadata;
mod outage;
mod replicas;
mod returned;
mod row;
mod rules;

use futures_util::FutureExt;
use serde::de::DeserializeOwned;

use crate::api;
use crate::api::dids::{self, Search, TreeEntry};
use crate::api::rses::Rse;
use crate::error::Result;
use crate::http::{Client, JsonStream};
use crate::types::{CollectionContent, DatasetAtRse, DatasetReplica, Did, FoundDid, RseUsage, Subscription};

pub(crate) use accounts::{accounts, global_usage, identities, local_usage};
pub(crate) use complete::CompleteList;
use complete::{CompletenessCheck, OpenList};
pub(crate) use count::size;
pub(crate) use metadata::metadata;
pub(crate) use outage::{BROKE_OFF, Outage};
pub(crate) use replicas::{FILES_PER_CALL, ReplicaList, existing, incomplete, metalink};
pub(crate) use row::{Row, fingerprint};
pub(crate) use rules::{associated_rules, locks, rule_history, rules_of_account, rules_of_subscription, rules_on};

/// Wraps the call that opens the list of this `subject`, which each reading of the list takes a copy of.
fn opener<'c, T, S, F, A>(client: &'c Client, subject: S, call: F) -> OpenList<'c, T>
where
    S: Clone + Send + Sync + 'c,
    F: Fn(&'c Client, S) -> A + Send + Sync + 'c,
    A: Future<Output = Result<JsonStream<T>>> + Send + 'c,
{
    Box::new(move || call(client, subject.clone()).boxed())
}

/// Reads the list of this `subject`, of unknown length, twice; `title` names it in messages.
async fn twice<'c, T, S, F, A>(
    client: &'c Client,
    title: impl Into<String>,
    subject: S,
    call: F,
) -> Result<CompleteList<'c, T>>
where
    T: DeserializeOwned + Row + 'static,
    S: Clone + Send + Sync + 'c,
    F: Fn(&'c Client, S) -> A + Send + Sync + 'c,
    A: Future<Output = Result<JsonStream<T>>> + Send + 'c,
{
    CompleteList::new(client, title.into(), CompletenessCheck::Twice, opener(client, subject, call)).await
}

/// Lists all files of a DID, at any depth; compared with the server's count.
pub(crate) async fn files<'c, T>(client: &'c Client, did: &Did) -> Result<CompleteList<'c, T>>
where
    T: DeserializeOwned + Row + 'static,
{
    let (title, check) = (format!("the list of files of {did}"), CompletenessCheck::Files(did.clone()));
    let open = opener(client, did.clone(), |client, did| async move { dids::files(client, &did).await });
    CompleteList::new(client, title, check, open).await
}

/// Lists the direct content of a collection: for a dataset compared with its number of files, for a container read
/// twice.
pub(crate) async fn content<'c>(client: &'c Client, did: &Did) -> Result<CompleteList<'c, CollectionContent>> {
    let (title, check) = (format!("the content of {did}"), CompletenessCheck::Content(did.clone()));
    let open = opener(client, did.clone(), |client, did| async move { dids::content(client, &did).await });
    CompleteList::new(client, title, check, open).await
}

/// Lists the DIDs that were detached from a collection, read twice.
pub(crate) async fn content_history<'c>(client: &'c Client, did: &Did) -> Result<CompleteList<'c, CollectionContent>> {
    let title = format!("the list of DIDs detached from {did}");
    twice(client, title, did.clone(), |client, did| async move { dids::content_history(client, &did).await }).await
}

/// Lists the collections that contain a DID, read twice.
pub(crate) async fn parents<'c>(client: &'c Client, did: &Did) -> Result<CompleteList<'c, CollectionContent>> {
    let title = format!("the list of parents of {did}");
    twice(client, title, did.clone(), |client, did| async move { dids::parents(client, &did).await }).await
}

/// Lists the DIDs of a scope that match a name with wildcards or a filter, read twice.
pub(crate) async fn search<'c>(client: &'c Client, search: Search<'c>) -> Result<CompleteList<'c, FoundDid>> {
    let title = format!("the list of DIDs in scope {}", search.scope);
    twice(client, title, search, |client, search| async move { dids::search(client, &search).await }).await
}

/// Lists the RSEs with files of a dataset, read twice; `deep` as in
/// [`replicas::of_dataset`](api::replicas::of_dataset).
pub(crate) async fn replicas_of_dataset<'c>(
    client: &'c Client,
    did: &Did,
    deep: bool,
) -> Result<CompleteList<'c, DatasetReplica>> {
    let title = format!("the list of replicas of {did}");
    twice(
        client,
        title,
        did.clone(),
        move |client, did| async move { api::replicas::of_dataset(client, &did, deep).await },
    )
    .await
}

/// Lists the RSEs with files of several datasets, read twice.
pub(crate) async fn replicas_of_datasets<'c>(
    client: &'c Client,
    dids: Vec<Did>,
) -> Result<CompleteList<'c, DatasetReplica>> {
    let title = format!("the list of replicas of {} datasets", dids.len());
    twice(client, title, dids, |client, dids| async move { api::replicas::of_datasets(client, &dids).await }).await
}

/// Lists the datasets with files at an RSE, read twice.
pub(crate) async fn datasets_at_rse<'c>(client: &'c Client, rse: &str) -> Result<CompleteList<'c, DatasetAtRse>> {
    let title = format!("the list of datasets at {rse}");
    twice(client, title, rse.to_owned(), |client, rse| async move { api::replicas::at_rse(client, &rse).await }).await
}

/// Lists everything below a DID, read twice.
pub(crate) async fn tree<'c>(client: &'c Client, did: &Did) -> Result<CompleteList<'c, TreeEntry>> {
    let title = format!("the list of the content of {did}");
    twice(client, title, did.clone(), |client, did| async move { dids::tree(client, &did).await }).await
}

/// Lists the RSEs that match an expression, or all, read twice.
pub(crate) async fn rses<'c>(client: &'c Client, expression: Option<&str>) -> Result<CompleteList<'c, Rse>> {
    let title = "the list of RSEs";
    twice(client, title, expression.map(str::to_owned), |client, expression| async move {
        api::rses::list(client, expression.as_deref()).await
    })
    .await
}

/// Lists the usage of an RSE, one row per source, read twice.
pub(crate) async fn rse_usage<'c>(
    client: &'c Client,
    rse: &str,
    per_account: bool,
) -> Result<CompleteList<'c, RseUsage>> {
    let title = format!("the usage of {rse}");
    twice(
        client,
        title,
        rse.to_owned(),
        move |client, rse| async move { api::rses::usage(client, &rse, per_account).await },
    )
    .await
}

/// Lists subscriptions by account and name, read twice; `None` matches all.
///
/// Errors: `SubscriptionNotFound` if none matches.
pub(crate) async fn subscriptions<'c>(
    client: &'c Client,
    account: Option<&str>,
    name: Option<&str>,
) -> Result<CompleteList<'c, Subscription>> {
    let title = "the list of subscriptions";
    twice(client, title, (account.map(str::to_owned), name.map(str::to_owned)), |client, (account, name)| async move {
        api::subscriptions::list(client, account.as_deref(), name.as_deref()).await
    })
    .await
}
