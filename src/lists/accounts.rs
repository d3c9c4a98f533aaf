//! Complete lists of accounts and of what belongs to them. Their lengths are not known otherwise, so they are read twice.

use std::collections::BTreeMap;

use super::{CompleteList, twice};
use crate::api;
use crate::error::Result;
use crate::http::Client;
use crate::types::{AccountRow, GlobalUsage, Identity, LocalUsage};

/// Lists the active accounts; filters are fields and attributes.
pub(crate) async fn accounts(
    client: &Client,
    filters: BTreeMap<String, String>,
) -> Result<CompleteList<'_, AccountRow>> {
    twice(client, "the list of accounts", filters, |client, filters| async move {
        api::accounts::list(client, &filters).await
    })
    .await
}

/// Lists the identities of an account.
pub(crate) async fn identities<'c>(client: &'c Client, account: &str) -> Result<CompleteList<'c, Identity>> {
    let title = format!("the list of identities of {account}");
    twice(client, title, account.to_owned(), |client, account| async move {
        api::accounts::identities(client, &account).await
    })
    .await
}

/// Lists the usage of an account per RSE, or at one RSE.
pub(crate) async fn local_usage<'c>(
    client: &'c Client,
    account: &str,
    rse: Option<&str>,
) -> Result<CompleteList<'c, LocalUsage>> {
    let title = format!("the usage of {account}");
    twice(client, title, (account.to_owned(), rse.map(str::to_owned)), |client, (account, rse)| async move {
        api::accounts::local_usage(client, &account, rse.as_deref()).await
    })
    .await
}

/// Lists the usage of an account per RSE expression.
pub(crate) async fn global_usage<'c>(client: &'c Client, account: &str) -> Result<CompleteList<'c, GlobalUsage>> {
    let title = format!("the usage of {account}");
    twice(client, title, account.to_owned(), |client, account| async move {
        api::accounts::global_usage(client, &account).await
    })
    .await
}
