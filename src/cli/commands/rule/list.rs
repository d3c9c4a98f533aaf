//! `rucio rule list`

use std::collections::HashSet;

use crate::api;
use crate::cli::context::Context;
use crate::cli::ui::Table;
use crate::cli::ui::values::{Num, member_str};
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::http::Client;
use crate::types::{Did, RuleRow};

const HEADERS: [&str; 9] = [
    "ID",
    "ACCOUNT",
    "SCOPE:NAME",
    "STATE[OK/REPL/STUCK]",
    "RSE_EXPRESSION",
    "COPIES",
    "SIZE",
    "EXPIRES (UTC)",
    "CREATED (UTC)",
];

/// List the rules on a DID, of an account or of a subscription
///
/// A dataset or container without rules shows those of what holds it or of what it holds.
///
/// Example: rucio rule list --did user.jdoe:analysis.1
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The rules on this DID
    #[arg(long)]
    pub did: Option<String>,
    /// With --did: the rules that lock the dataset, wherever they were made
    #[arg(long)]
    pub traverse: bool,
    /// Comma-separated values
    #[arg(long)]
    pub csv: bool,
    /// The rules that hold this file, on it or on what it is part of
    #[arg(long, value_name = "DID")]
    pub file: Option<String>,
    /// The rules of this account
    #[arg(long)]
    pub account: Option<String>,
    /// The rules of this subscription
    #[arg(long)]
    pub subscription: Option<String>,
    /// The rule with this id, which `list-rules --id` lists
    #[arg(skip)]
    pub id: Option<String>,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let rules = select(context, &args).await?;
    if args.csv {
        return rules.iter().try_for_each(|rule| context.ui.line(&cells(context, rule).join(",")));
    }
    let mut table = Table::simple(HEADERS).without_numbers();
    for rule in &rules {
        let [id, account, did, state, expression, copies, size, mut expires, created] = cells(context, rule);
        if rule.expires_at.is_null() {
            expires.clear();
        }
        table.row([id, account, did, state, expression, copies, size, expires, created]);
    }
    context.ui.table(&table)
}

fn cells(context: &Context, rule: &RuleRow) -> [String; 9] {
    let locks = [&rule.locks_ok_cnt, &rule.locks_replicating_cnt, &rule.locks_stuck_cnt].map(member_str).join("/");
    [
        rule.id.clone(),
        rule.account.clone(),
        rule.did.to_string(),
        format!("{}[{locks}]", rule.state),
        rule.rse_expression.clone(),
        member_str(&rule.copies),
        rule.bytes.map_or_else(|| "N/A".to_owned(), |bytes| context.size(Some(Num::from(bytes)))),
        member_str(&rule.expires_at),
        member_str(&rule.created_at),
    ]
}

async fn select(context: &Context, args: &Args) -> Result<Vec<RuleRow>> {
    let no_choice = "At least one option has to be given. Use -h to list the options.";
    match args {
        Args { id: Some(id), .. } => Ok(vec![api::rules::get(context.client()?, id).await?]),
        Args { file: Some(file), .. } => {
            api::dids::associated_rules(context.client()?, &context.did(file)?).await?.collect().await
        }
        Args { traverse: true, did: Some(did), .. } => locking(context.client()?, &context.did(did)?).await,
        Args { traverse: true, did: None, .. } if args.account.is_some() || args.subscription.is_some() => {
            Err(Error::new(Exception::InputValidationError, "Must supply a DID to traverse"))
        }
        Args { did: Some(did), .. } => on_did(context, &context.did(did)?).await,
        Args { account: Some(account), .. } => api::accounts::rules(context.client()?, account).await?.collect().await,
        Args { subscription: Some(name), .. } => {
            let client = context.client()?;
            api::subscriptions::rules(client, client.account().unwrap_or_default(), name).await?.collect().await
        }
        _ => Err(Error::new(Exception::InputValidationError, no_choice)),
    }
}

/// The rules whose locks hold a dataset, each once.
async fn locking(client: &Client, did: &Did) -> Result<Vec<RuleRow>> {
    let mut locks = api::locks::of_dataset(client, did).await?;
    let (mut rules, mut seen) = (Vec::new(), HashSet::new());
    while let Some(lock) = locks.next().await? {
        if seen.insert(lock.rule_id.clone()) {
            rules.push(api::rules::get(client, &lock.rule_id).await?);
        }
    }
    Ok(rules)
}

/// The rules on a DID; if it has none, those on what it holds (container) or on what holds it (dataset).
async fn on_did(context: &Context, did: &Did) -> Result<Vec<RuleRow>> {
    let client = context.client()?;
    let did_type = api::dids::did_type(client, did).await?;
    let rules = api::dids::rules(client, did).await?.collect().await?;
    if !rules.is_empty() {
        return Ok(rules);
    }
    let (mut relatives, whose) = match did_type.as_str() {
        "CONTAINER" => (api::dids::content(client, did).await?, "content"),
        "DATASET" => (api::dids::parents(client, did).await?, "parents"),
        _ => return Ok(rules),
    };
    let mut rules = Vec::new();
    while let Some(relative) = relatives.next().await? {
        rules.extend(api::dids::rules(client, &relative.did).await?.collect().await?);
    }
    if !rules.is_empty() {
        context.ui.line(&format!("No rules found, listing rules for {whose}"))?;
    }
    Ok(rules)
}
