//! `rucio rule show`

use serde_json::Value;

use crate::api;
use crate::cli::context::Context;
use crate::cli::ui::values::member_str;
use crate::error::Result;
use crate::http::Client;
use crate::types::{Attributes, TransferAnalysis};

/// What is shown of a rule: a title and the server's name for it.
const FIELDS: [(&str, &str); 7] = [
    ("Id", "id"),
    ("Account", "account"),
    ("Scope", "scope"),
    ("Name", "name"),
    ("RSE Expression", "rse_expression"),
    ("Copies", "copies"),
    ("State", "state"),
];
/// What is shown after the locks.
const MORE_FIELDS: [(&str, &str); 17] = [
    ("Grouping", "grouping"),
    ("Expires at", "expires_at"),
    ("Locked", "locked"),
    ("Weight", "weight"),
    ("Created at", "created_at"),
    ("Updated at", "updated_at"),
    ("Error", "error"),
    ("Subscription Id", "subscription_id"),
    ("Source replica expression", "source_replica_expression"),
    ("Activity", "activity"),
    ("Comment", "comments"),
    ("Ignore Quota", "ignore_account_limit"),
    ("Ignore Availability", "ignore_availability"),
    ("Purge replicas", "purge_replicas"),
    ("Notification", "notification"),
    ("End of life", "eol_at"),
    ("Child Rule Id", "child_rule_id"),
];

/// Show a rule
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The rule's id
    pub rule_id: String,
    /// Why its transfers do not get on
    #[arg(long)]
    pub examine: bool,
    /// Lay the transfers out as `rule-info` does
    #[arg(skip)]
    pub old_layout: bool,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let client = context.client()?;
    match args.examine {
        true => examine(context, client, &args).await,
        false => show(context, &api::rules::get(client, &args.rule_id).await?),
    }
}

fn show(context: &Context, rule: &Attributes) -> Result<()> {
    let field = |key: &str| member_str(rule.get(key).unwrap_or(&Value::Null));
    let line = |title: &str, value: String| context.ui.line(&format!("{:<28}{value}", format!("{title}:")));
    FIELDS.iter().try_for_each(|(title, key)| line(title, field(key)))?;
    let locks = ["locks_ok_cnt", "locks_replicating_cnt", "locks_stuck_cnt"].map(field).join("/");
    line("Locks OK/REPLICATING/STUCK", locks)?;
    MORE_FIELDS.iter().try_for_each(|(title, key)| line(title, field(key)))
}

async fn examine(context: &Context, client: &Client, args: &Args) -> Result<()> {
    let analysis = api::rules::examine(client, &args.rule_id).await?;
    context.ui.line(&format!("Status of the replication rule: {}", member_str(&analysis.rule_error)))?;
    if analysis.transfers.is_empty() {
        return Ok(());
    }
    context.ui.line("STUCK Requests:")?;
    analysis.transfers.iter().try_for_each(|transfer| show_transfer(context, transfer, args.old_layout))
}

fn show_transfer(context: &Context, transfer: &TransferAnalysis, old_layout: bool) -> Result<()> {
    let (indent, width) = if old_layout { (4, 22) } else { (5, 20) };
    let sources = |usable: bool| {
        let names = transfer.sources.iter().filter(|(_, is_usable)| *is_usable == usable);
        names.map(|(rse, _)| rse.as_str()).collect::<Vec<_>>().join(", ")
    };
    context.ui.line(&format!("  {}", transfer.did))?;
    let fields = [
        ("RSE", member_str(&transfer.rse)),
        ("Attempts", member_str(&transfer.attempts)),
        ("Last Retry", member_str(&transfer.last_time)),
        ("Last error", member_str(&transfer.last_error)),
        ("Last source", member_str(&transfer.last_source)),
        ("Available sources", sources(true)),
        ("Blocklisted sources", sources(false)),
    ];
    fields.iter().try_for_each(|(title, value)| {
        context.ui.line(&format!("{:indent$}{:<width$}{value}", "", format!("{title}:")))
    })
}
