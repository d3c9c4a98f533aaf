//! `rucio rule add`

use clap::ArgAction::Set;
use serde_json::json;

use super::DONE;
use crate::api;
use crate::cli::context::Context;
use crate::cli::duration;
use crate::cli::value_kind::ValueKind;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::hint::{Command, Hint};
use crate::http::Client;
use crate::types::{Did, NewRule, RuleRow};

/// Priority of a rule's transfers, the same as in the official client.
const PRIORITY: i64 = 3;

/// Create a replication rule
///
/// Example: rucio rule add --copies 1 --rses "tier=1&disk=1" --lifetime 14d user.jdoe:analysis.1
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// DIDs (scope:name)
    #[arg(add = ValueKind::Did)]
    pub dids: Vec<String>,
    /// Number of copies
    #[arg(long, allow_negative_numbers = true)]
    pub copies: i64,
    /// Destination RSE expression
    #[arg(long, alias = "rse-exp", value_name = "EXPRESSION", add = ValueKind::RseExpression)]
    pub rses: String,
    #[command(flatten)]
    pub options: Options,
    /// Protect the rule against deletion
    #[arg(long, value_name = "BOOL", value_parser = boolean, default_value = "false", action = Set)]
    pub locked: bool,
    /// Source RSE expression
    #[arg(long, value_name = "EXPRESSION", add = ValueKind::RseExpression)]
    pub source_rses: Option<String>,
    /// When to notify by mail: Y (always), N (never), C (when the dataset is closed)
    #[arg(long, value_parser = ["Y", "N", "C"])]
    pub notify: Option<String>,
}

/// Options that `rucio rule add` and `rucio add-rule` share.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// RSE attribute used to weight RSE selection
    #[arg(long)]
    pub weight: Option<String>,
    /// Lifetime of the rule: seconds, or 2h, 14d
    #[arg(long, value_name = "DURATION", allow_negative_numbers = true, value_parser = duration::whole_seconds)]
    pub lifetime: Option<i64>,
    /// File grouping: DATASET (each dataset at one RSE), ALL (everything at one RSE), NONE (files independently)
    #[arg(long, value_parser = ["DATASET", "ALL", "NONE"])]
    pub grouping: Option<String>,
    /// Transfer activity (User Subscriptions, Data Consolidation, ...)
    #[arg(long)]
    pub activity: Option<String>,
    /// Comment on the rule
    #[arg(long)]
    pub comment: Option<String>,
    /// Request approval for the rule
    #[arg(long)]
    pub ask_approval: bool,
    /// Create the rule asynchronously, by a daemon
    #[arg(long)]
    pub asynchronous: bool,
    /// Delay before the rule starts: seconds, or 2h, 14d; implies --asynchronous
    #[arg(long, value_name = "DURATION", allow_negative_numbers = true, value_parser = duration::whole_seconds)]
    pub delay_injection: Option<i64>,
    /// Account that owns the rule
    #[arg(long, add = ValueKind::Account)]
    pub account: Option<String>,
    /// Skip DIDs that already have an identical rule
    #[arg(long)]
    pub skip_duplicates: bool,
}

/// Parses a Boolean as click does.
pub(super) fn boolean(text: &str) -> Result<bool, String> {
    match text.trim().to_lowercase().as_str() {
        "true" | "1" | "yes" | "on" | "t" | "y" => Ok(true),
        "false" | "0" | "no" | "off" | "f" | "n" | "" => Ok(false),
        _ => Err("expected true or false".to_owned()),
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
        Err(error) if error.class() == Some(Exception::DuplicateRule) => {
            return Err(with_existing_rule(client, &rule, error).await);
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

/// Adds the existing rule to the error: the one of the same account on the same RSE expression.
async fn with_existing_rule(client: &Client, rule: &NewRule, error: Error) -> Error {
    let account = match &rule.account {
        Some(account) => Some(account.clone()),
        None => api::accounts::own_name(client).await.ok(),
    };
    for did in &rule.dids {
        let rules = match api::dids::rules(client, did).await {
            Ok(rules) => rules.collect().await.unwrap_or_default(),
            Err(_) => Vec::new(),
        };
        let is_same = |other: &&RuleRow| {
            other.rse_expression == rule.rse_expression
                && account.as_ref().is_none_or(|account| *account == other.account)
        };
        if let Some(existing) = rules.iter().find(is_same) {
            let advice = format!("{did} has such a rule already. To show it");
            return error.with_hint(Hint::command(advice, Command::ShowRule { id: existing.id.clone() }));
        }
    }
    error
}

/// Adds the rule to each DID separately: the server rejects all DIDs of a request if one has such a rule already.
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
