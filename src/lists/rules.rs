//! Complete lists of rules and of what belongs to them. Their lengths are not known otherwise, so they are read twice.

use super::{CompleteList, twice};
use crate::api;
use crate::error::Result;
use crate::http::Client;
use crate::types::{DatasetLock, Did, RuleEvent, RuleRow};

/// Lists the rules on a DID.
pub(crate) async fn rules_on<'c>(client: &'c Client, did: &Did) -> Result<CompleteList<'c, RuleRow>> {
    let title = format!("the list of rules on {did}");
    twice(client, title, did.clone(), |client, did| async move { api::dids::rules(client, &did).await }).await
}

/// Lists the rules on a file and on its parents.
pub(crate) async fn associated_rules<'c>(client: &'c Client, did: &Did) -> Result<CompleteList<'c, RuleRow>> {
    let title = format!("the list of rules of {did}");
    twice(client, title, did.clone(), |client, did| async move { api::dids::associated_rules(client, &did).await })
        .await
}

/// Lists the rules of an account.
pub(crate) async fn rules_of_account<'c>(client: &'c Client, account: &str) -> Result<CompleteList<'c, RuleRow>> {
    let title = format!("the list of rules of account {account}");
    twice(
        client,
        title,
        account.to_owned(),
        |client, account| async move { api::accounts::rules(client, &account).await },
    )
    .await
}

/// Lists the rules created by a subscription.
pub(crate) async fn rules_of_subscription<'c>(
    client: &'c Client,
    account: &str,
    name: &str,
) -> Result<CompleteList<'c, RuleRow>> {
    let title = format!("the list of rules of subscription {name}");
    twice(client, title, (account.to_owned(), name.to_owned()), |client, (account, name)| async move {
        api::subscriptions::rules(client, &account, &name).await
    })
    .await
}

/// Lists the locks on a dataset.
pub(crate) async fn locks<'c>(client: &'c Client, did: &Did) -> Result<CompleteList<'c, DatasetLock>> {
    let title = format!("the list of locks on {did}");
    twice(client, title, did.clone(), |client, did| async move { api::locks::of_dataset(client, &did).await }).await
}

/// Lists the history of the rules on a DID, oldest first.
pub(crate) async fn rule_history<'c>(client: &'c Client, did: &Did) -> Result<CompleteList<'c, RuleEvent>> {
    let title = format!("the history of the rules on {did}");
    twice(client, title, did.clone(), |client, did| async move { api::rules::history(client, &did).await }).await
}
