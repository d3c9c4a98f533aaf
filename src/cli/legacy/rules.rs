//! Old spellings of commands on rules.

use clap::Args;

use crate::cli::commands::rule::{add, list, r#move, update};
use crate::error::{Error, Result};
use crate::exceptions::Exception;

/// Have replicas of DIDs made and kept
///
/// Example: rucio add-rule --lifetime 1209600 user.jdoe:analysis.1 1 "tier=1&disk=1"
#[derive(Debug, Args)]
#[command(override_usage = "rucio add-rule [OPTIONS] <DIDS>... <COPIES> <RSE_EXPRESSION>")]
pub(crate) struct Add {
    /// One or more DIDs, the number of copies, and the RSE expression
    #[arg(required = true, num_args = 3.., value_names = ["DIDS", "COPIES", "RSE_EXPRESSION"])]
    words: Vec<String>,
    #[command(flatten)]
    options: add::Options,
    /// Protect the rule against being deleted
    #[arg(long)]
    locked: bool,
    /// Where the copies may come from: an RSE expression
    #[arg(long, value_name = "EXPRESSION")]
    source_replica_expression: Option<String>,
    /// When to send mail: Y (always), N (never), C (when the dataset is closed)
    #[arg(long)]
    notify: Option<String>,
}

impl Add {
    /// What is wrong with the words, if anything: the one before the last must be the number of copies.
    pub(super) fn mistake(&self) -> Option<String> {
        let copies = self.words.iter().nth_back(1)?;
        copies.parse::<i64>().is_err().then(|| format!("invalid number of copies: {copies:?}"))
    }

    /// Takes the words apart: the last is the RSE expression, the one before the number of copies.
    pub(super) fn translate(self) -> add::Args {
        let mut dids = self.words;
        let rses = dids.pop().unwrap_or_default();
        let copies = dids.pop().and_then(|copies| copies.parse().ok()).unwrap_or_default();
        add::Args {
            dids,
            copies,
            rses,
            options: self.options,
            locked: self.locked,
            source_rses: self.source_replica_expression,
            notify: self.notify,
        }
    }
}

/// List the rules on a DID, of an account or of a subscription
///
/// A dataset or container without rules shows those of what holds it or of what it holds.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// The rules on this DID
    did: Option<String>,
    /// The rule with this id
    #[arg(long)]
    id: Option<String>,
    /// The rules that lock the dataset, wherever they were made
    #[arg(long)]
    traverse: bool,
    /// Comma-separated values
    #[arg(long)]
    csv: bool,
    /// The rules that hold this file, on it or on what it is part of
    #[arg(long, value_name = "DID")]
    file: Option<String>,
    /// The rules of this account
    #[arg(long)]
    account: Option<String>,
    /// The rules of this subscription
    #[arg(long)]
    subscription: Option<String>,
}

impl List {
    pub(super) fn translate(self) -> list::Args {
        let Self { did, id, traverse, csv, file, account, subscription } = self;
        list::Args { did, traverse, csv, file, account, subscription, id }
    }
}

/// Have a rule's replicas moved: a new rule takes the place of the old one when it is fulfilled
#[derive(Debug, Args)]
pub(crate) struct Move {
    /// The rule's id
    rule_id: String,
    /// Where to: an RSE expression
    rse_expression: String,
    /// Why, for the transfer system, if for another reason than the old rule
    #[arg(long)]
    activity: Option<String>,
    /// Where the copies may come from: an RSE expression, or None for anywhere
    #[arg(long, value_name = "EXPRESSION")]
    source_replica_expression: Option<String>,
}

impl Move {
    pub(super) fn translate(self) -> r#move::Args {
        let Self { rule_id, rse_expression, activity, source_replica_expression } = self;
        r#move::Args { rule_id, rses: rse_expression, activity, source_rses: source_replica_expression }
    }
}

/// Change a rule
#[derive(Debug, Args)]
pub(crate) struct Update {
    /// The rule's id
    rule_id: String,
    #[command(flatten)]
    options: update::Options,
    /// Protect the rule against being deleted (True), or no longer (False)
    #[arg(long, value_name = "BOOL")]
    locked: Option<String>,
    /// Where the copies may come from: an RSE expression, or None for anywhere
    #[arg(long, value_name = "EXPRESSION")]
    source_replica_expression: Option<String>,
}

impl Update {
    /// Of --stuck and --suspend, the latter wins in the old tree.
    pub(super) fn translate(self) -> Result<update::Args> {
        let Self { rule_id, options, locked, source_replica_expression } = self;
        let locked = match locked.unwrap_or_default().to_lowercase().as_str() {
            "" => None,
            "true" => Some(true),
            "false" => Some(false),
            _ => return Err(Error::new(Exception::InputValidationError, "Locked must be True or False")),
        };
        let options = update::Options { stuck: options.stuck && !options.suspend, ..options };
        Ok(update::Args { rule_id, options, locked, source_rses: source_replica_expression })
    }
}
