//! Selects the rules that `rucio rule list` lists.

use std::collections::{HashSet, VecDeque};

use super::explained;
use crate::api;
use crate::cli::context::Context;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::hint::{Hint, shell_word};
use crate::http::{Client, Raw};
use crate::lists::{self, CompleteList};
use crate::types::{Did, RuleRow};

/// Which rules to list.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selection {
    /// The rule with this ID.
    pub id: Option<String>,
    /// The rules on this DID.
    pub did: Option<String>,
    /// With `did`: all rules that lock the dataset.
    pub traverse: bool,
    /// The rules on this file and on collections that contain it.
    pub file: Option<String>,
    /// The rules of this account.
    pub account: Option<String>,
    /// The rules of this subscription.
    pub subscription: Option<String>,
}

/// A stream of rules: those in memory first, then those still coming from the server.
#[derive(Debug, Default)]
pub(super) struct Rules<'c> {
    ready: VecDeque<Raw<RuleRow>>,
    coming: Option<CompleteList<'c, Raw<RuleRow>>>,
}

impl<'c> Rules<'c> {
    fn from_list(list: CompleteList<'c, RuleRow>) -> Self {
        Self { coming: Some(list.raw()), ..Self::default() }
    }

    /// Returns the next rule, or `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Raw<RuleRow>>> {
        match (self.ready.pop_front(), &mut self.coming) {
            (None, Some(list)) => list.next().await,
            (rule, _) => Ok(rule),
        }
    }

    /// Returns whether there are no rules; waits for the first one.
    async fn is_empty(&mut self) -> Result<bool> {
        let first = self.next().await?;
        let is_empty = first.is_none();
        self.ready.extend(first);
        Ok(is_empty)
    }
}

/// Returns the selected rules; empty values count as not given.
pub(super) async fn select(context: &Context, selection: Selection) -> Result<Rules<'_>> {
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let id = given(selection.id);
    let file = given(selection.file);
    let did = given(selection.did);
    let account = given(selection.account);
    let subscription = given(selection.subscription);
    if [&id, &file, &did, &account, &subscription].into_iter().all(Option::is_none) {
        let own = context.settings().ok().and_then(|settings| settings.account).unwrap_or_else(|| "ACCOUNT".to_owned());
        let list = context.command(&format!("rule list --account {}", shell_word(&own)));
        return Err(refused("At least one option has to be given. Use -h to list the options.")
            .with_hint(Hint::run("To list your own rules", list)));
    }
    let client = context.client()?;
    match (id, file, did, account) {
        (Some(id), ..) => one(client, &id).await,
        (_, Some(file), ..) => of_file(client, &context.did(&file)?).await,
        (_, _, Some(did), _) if selection.traverse => locking(client, &context.did(&did)?).await,
        _ if selection.traverse => Err(refused("Must supply a DID to traverse")),
        (_, _, Some(did), _) => on_did(context, client, &context.did(&did)?).await,
        (_, _, _, Some(account)) => lists::rules_of_account(client, &account).await.map(Rules::from_list),
        _ => of_subscription(client, &subscription.unwrap_or_default()).await,
    }
}

fn refused(message: &str) -> Error {
    Error::new(Exception::InputValidationError, message)
}

async fn one<'c>(client: &'c Client, id: &str) -> Result<Rules<'c>> {
    let rule = api::rules::get(client, id).await.map_err(explained)?;
    Ok(Rules { ready: VecDeque::from([rule]), coming: None })
}

async fn of_file<'c>(client: &'c Client, file: &Did) -> Result<Rules<'c>> {
    lists::associated_rules(client, file).await.map(Rules::from_list)
}

async fn of_subscription<'c>(client: &'c Client, name: &str) -> Result<Rules<'c>> {
    let account = client.account().unwrap_or_default();
    lists::rules_of_subscription(client, account, name).await.map(Rules::from_list)
}

/// Returns the rules that lock a dataset, each once.
async fn locking<'c>(client: &'c Client, did: &Did) -> Result<Rules<'c>> {
    let mut locks = lists::locks(client, did).await?;
    let mut rules = Rules::default();
    let mut seen = HashSet::new();
    while let Some(lock) = locks.next().await? {
        if seen.insert(lock.rule_id.clone()) {
            rules.ready.push_back(api::rules::get(client, &lock.rule_id).await?);
        }
    }
    Ok(rules)
}

/// Returns the rules on a DID; if it has none, those on its content (container) or its parents (dataset).
async fn on_did<'c>(context: &Context, client: &'c Client, did: &Did) -> Result<Rules<'c>> {
    let did_type = api::dids::did_type(client, did).await?;
    let mut own = lists::rules_on(client, did).await.map(Rules::from_list)?;
    if !own.is_empty().await? {
        return Ok(own);
    }
    let (relatives, whose) = match did_type.as_str() {
        "CONTAINER" => (lists::content(client, did).await?.collect().await?, "content"),
        "DATASET" => (lists::parents(client, did).await?.collect().await?, "parents"),
        _ => return Ok(own),
    };
    let mut rules = Rules::default();
    for relative in relatives {
        rules.ready.extend(lists::rules_on(client, &relative.did).await?.raw().collect().await?);
    }
    if !rules.ready.is_empty() {
        context.ui.line(&format!("No rules found, listing rules for {whose}"))?;
    }
    Ok(rules)
}
