//! `rucio rule list`

use super::select::{Selection, select};
use crate::cli::context::Context;
use crate::cli::leaf::PrintsList;
use crate::cli::ui::values::{Num, member_str};
use crate::cli::ui::{Shape, Table};
use crate::cli::value_kind::ValueKind;
use crate::cli::watch::Watch;
use crate::error::Result;
use crate::types::RuleRow;

const SHAPE: Shape = Shape::named(
    &["id"],
    &[
        "id",
        "account",
        "scope",
        "name",
        "state",
        "locks_ok_cnt",
        "locks_replicating_cnt",
        "locks_stuck_cnt",
        "rse_expression",
        "copies",
        "bytes",
        "expires_at",
        "created_at",
    ],
);

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

/// Columns to leave out on a narrow terminal, the least important one first.
const EXPENDABLE: [&str; 5] = ["CREATED (UTC)", "COPIES", "ACCOUNT", "SIZE", "EXPIRES (UTC)"];

/// List the rules on a DID, of an account or of a subscription
///
/// For a dataset without rules, those on its parents are listed; for a container without rules, those on its content.
///
/// Example: rucio rule list --did user.jdoe:analysis.1
#[derive(Debug, clap::Args)]
#[command(add = PrintsList)]
pub(crate) struct Args {
    /// List the rules on this DID
    #[arg(long, add = ValueKind::Did)]
    pub did: Option<String>,
    /// With --did, list all rules that lock the dataset, also those on other DIDs
    #[arg(long)]
    pub traverse: bool,
    /// Print comma-separated values
    #[arg(long)]
    pub csv: bool,
    /// List the rules on this file and on collections that contain it
    #[arg(long, value_name = "DID", add = ValueKind::Did)]
    pub file: Option<String>,
    /// List the rules of this account
    #[arg(long, add = ValueKind::Account)]
    pub account: Option<String>,
    /// List the rules of this subscription
    #[arg(long, add = ValueKind::Subscription)]
    pub subscription: Option<String>,
    #[command(flatten)]
    pub watch: Watch,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let Args { did, traverse, csv, file, account, subscription, watch } = args;
    let selection = Selection { id: None, did, traverse, file, account, subscription };
    watch.run(context, "rule list", async || list(context, selection.clone(), csv).await).await
}

/// Lists the selected rules.
pub(crate) async fn list(context: &Context, selection: Selection, csv: bool) -> Result<()> {
    let mut rules = select(context, selection).await?;
    let mut list = context.ui.list(SHAPE);
    if !csv {
        list = list.with_table(Table::simple(HEADERS).without_numbers().with_expendable(&EXPENDABLE));
    }
    while let Some(rule) = rules.next().await? {
        if csv {
            list.line(&rule, || cells(context, &rule).join(","))?;
        } else {
            list.row(&rule, || row(context, &rule))?;
        }
    }
    list.end()
}

/// Returns the cells of the table. Without an expiry its cell is empty, as tabulate prints None.
fn row(context: &Context, rule: &RuleRow) -> [String; 9] {
    let mut cells = cells(context, rule);
    if rule.expires_at.is_null() {
        cells[7].clear();
    }
    cells
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
