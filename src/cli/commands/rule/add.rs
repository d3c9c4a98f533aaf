//! `rucio rule add`

use clap::ArgAction::Set;
use serde_json::json;

use super::DONE;
use crate::api;
use crate::cli::context::Context;
use crate::error::Result;
use crate::exceptions::Exception;
use crate::http::Client;
use crate::types::{Did, NewRule};

/// The priority of a rule's transfers, as the official client sends it.
const PRIORITY: i64 = 3;

/// Have replicas of DIDs made and kept
///
/// Example: rucio rule add --copies 1 --rses "tier=1&disk=1" --lifetime 1209600 user.jdoe:analysis.1
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The DIDs
    pub dids: Vec<String>,
    /// How many copies
    #[arg(long, allow_negative_numbers = true)]
    pub copies: i64,
    /// Where to: an RSE expression
    #[arg(long, alias = "rse-exp", value_name = "EXPRESSION")]
    pub rses: String,
    #[command(flatten)]
    pub options: Options,
    /// Protect the rule against being deleted
    #[arg(long, value_name = "BOOL", value_parser = boolean, default_value = "false", action = Set)]
    pub locked: bool,
    /// Where the copies may come from: an RSE expression
    #[arg(long, value_name = "EXPRESSION")]
    pub source_rses: Option<String>,
    /// When to send mail: Y (always), N (never), C (when the dataset is closed)
    #[arg(long, value_parser = ["Y", "N", "C"])]
    pub notify: Option<String>,
}

/// The options that both trees spell alike.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The RSE attribute that weighs the choice among the RSEs
    #[arg(long)]
    pub weight: Option<String>,
    /// Seconds until the rule ends
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    pub lifetime: Option<i64>,
    /// What is kept together at one RSE: the files of a DATASET, ALL, or NONE
    #[arg(long, value_parser = ["DATASET", "ALL", "NONE"])]
    pub grouping: Option<String>,
    /// Why, for the transfer system (User Subscriptions, Data Consolidation, ...)
    #[arg(long)]
    pub activity: Option<String>,
    /// What people should know about the rule
    #[arg(long)]
    pub comment: Option<String>,
    /// Have somebody approve the rule first
    #[arg(long)]
    pub ask_approval: bool,
    /// Have a daemon make the rule later
    #[arg(long)]
    pub asynchronous: bool,
    /// Seconds to wait before the rule starts; implies --asynchronous
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    pub delay_injection: Option<i64>,
    /// The account that shall own the rule
    #[arg(long)]
    pub account: Option<String>,
    /// Where such a rule exists already, go on with the next DID
    #[arg(long)]
    pub skip_duplicates: bool,
}

/// A boolean as click takes it.
pub(super) fn boolean(text: &str) -> Result<bool, String> {
    match text.trim().to_lowercase().as_str() {
        "true" | "1" | "yes" | "on" | "t" | "y" => Ok(true),
        "false" | "0" | "no" | "off" | "f" | "n" | "" => Ok(false),
        _ => Err("write true or false".to_owned()),
    }
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let skip_duplicates = args.options.skip_duplicates;
    let rule = new_rule(context.dids(&args.dids)?, args);
    let client = context.client()?;
    let ids = match api::rules::add(client, &rule).await {
        Err(error) if skip_duplicates && error.class() == Some(Exception::DuplicateRule) => {
            add_one_by_one(context, client, rule).await?
        }
        outcome => outcome?,
    };
    let mut list = context.ui.list(DONE);
    ids.iter().try_for_each(|id| list.line(&json!({"id": id}), || id.clone()))?;
    list.end()
}

fn new_rule(dids: Vec<Did>, args: Args) -> NewRule {
    NewRule {
        dids,
        copies: args.copies,
        rse_expression: args.rses,
        weight: args.options.weight,
        lifetime: args.options.lifetime,
        grouping: args.options.grouping,
        account: args.options.account,
        locked: args.locked,
        source_replica_expression: args.source_rses,
        activity: args.options.activity,
        notify: args.notify,
        purge_replicas: false,
        ignore_availability: false,
        comment: args.options.comment,
        ask_approval: args.options.ask_approval,
        asynchronous: args.options.asynchronous,
        delay_injection: args.options.delay_injection,
        priority: PRIORITY,
        meta: None,
    }
}

/// The server refuses all DIDs when one of them has such a rule already; one by one, the others get theirs.
async fn add_one_by_one(context: &Context, client: &Client, rule: NewRule) -> Result<Vec<String>> {
    let mut ids = Vec::new();
    for did in &rule.dids {
        match api::rules::add(client, &NewRule { dids: vec![did.clone()], ..rule.clone() }).await {
            Err(error) if error.class() == Some(Exception::DuplicateRule) => {
                context.ui.line(&format!("Duplicate rule for {did} found; Skipping."))?;
            }
            outcome => ids.extend(outcome?),
        }
    }
    Ok(ids)
}
