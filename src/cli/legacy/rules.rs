//! Legacy commands on rules.

use clap::Args;

use crate::cli::commands::rule::{add, r#move, select::Selection, update};
use crate::cli::value_kind::ValueKind;
use crate::error::{Error, Result};
use crate::exceptions::Exception;

/// Create a replication rule
///
/// Example: rucio add-rule --lifetime 14d user.jdoe:analysis.1 1 "tier=1&disk=1"
#[derive(Debug, Args)]
#[command(override_usage = "rucio add-rule [OPTIONS] <DIDS>... <COPIES> <RSE_EXPRESSION>")]
pub(crate) struct Add {
    /// One or more DIDs, the number of copies, and the destination RSE expression
    #[arg(required = true, num_args = 3.., value_names = ["DIDS", "COPIES", "RSE_EXPRESSION"], add = ValueKind::Did)]
    words: Vec<String>,
    #[command(flatten)]
    options: add::Options,
    /// Protect the rule against deletion
    #[arg(long)]
    locked: bool,
    /// Source RSE expression
    #[arg(long, value_name = "EXPRESSION", add = ValueKind::RseExpression)]
    source_replica_expression: Option<String>,
    /// When to notify by mail: Y (always), N (never), C (when the dataset is closed)
    #[arg(long)]
    notify: Option<String>,
}

impl Add {
    /// Returns an error if the last argument but one is not a number of copies.
    pub(super) fn mistake(&self) -> Option<String> {
        let copies = self.words.iter().nth_back(1)?;
        copies.parse::<i64>().is_err().then(|| format!("invalid number of copies: {copies:?}"))
    }

    /// Splits the arguments: the last is the RSE expression, the one before it the number of copies.
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
/// For a dataset without rules, those on its parents are listed; for a container without rules, those on its content.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// List the rules on this DID
    #[arg(add = ValueKind::Did)]
    did: Option<String>,
    /// List the rule with this ID
    #[arg(long)]
    id: Option<String>,
    /// List all rules that lock the dataset, also those on other DIDs
    #[arg(long)]
    traverse: bool,
    /// Print comma-separated values
    #[arg(long)]
    pub csv: bool,
    /// List the rules on this file and on collections that contain it
    #[arg(long, value_name = "DID", add = ValueKind::Did)]
    file: Option<String>,
    /// List the rules of this account
    #[arg(long, add = ValueKind::Account)]
    account: Option<String>,
    /// List the rules of this subscription
    #[arg(long, add = ValueKind::Subscription)]
    subscription: Option<String>,
}

impl List {
    pub(super) fn selection(self) -> Selection {
        let Self { did, id, traverse, csv: _, file, account, subscription } = self;
        Selection { id, did, traverse, file, account, subscription }
    }
}

/// Move a rule to other RSEs; the old rule is removed once the new one is OK
#[derive(Debug, Args)]
pub(crate) struct Move {
    /// Rule ID
    #[arg(add = ValueKind::Rule)]
    rule_id: String,
    /// Destination RSE expression
    #[arg(add = ValueKind::RseExpression)]
    rse_expression: String,
    /// Transfer activity of the new rule [default: that of the old rule]
    #[arg(long)]
    activity: Option<String>,
    /// Source RSE expression, or None for any RSE
    #[arg(long, value_name = "EXPRESSION", add = ValueKind::RseExpression)]
    source_replica_expression: Option<String>,
}

impl Move {
    pub(super) fn translate(self) -> r#move::Args {
        let Self { rule_id, rse_expression, activity, source_replica_expression } = self;
        r#move::Args { rule_id, rses: rse_expression, activity, source_rses: source_replica_expression }
    }
}

/// Update a rule
#[derive(Debug, Args)]
pub(crate) struct Update {
    /// Rule ID
    #[arg(add = ValueKind::Rule)]
    rule_id: String,
    #[command(flatten)]
    options: update::Options,
    /// Protect the rule against deletion (True), or allow it (False)
    #[arg(long, value_name = "BOOL")]
    locked: Option<String>,
    /// Source RSE expression, or None for any RSE
    #[arg(long, value_name = "EXPRESSION", add = ValueKind::RseExpression)]
    source_replica_expression: Option<String>,
}

impl Update {
    /// Drops --stuck if --suspend is given too: in the legacy command, --suspend wins.
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
