//! `rucio rule show`

use serde_json::{Value, json};

use super::{explained, short_id};
use crate::api;
use crate::cli::compat::CompatOptions;
use crate::cli::context::Context;
use crate::cli::ui::Shape;
use crate::cli::ui::values::member_str;
use crate::cli::value_kind::ValueKind;
use crate::cli::watch::Watch;
use crate::error::Result;
use crate::http::{Client, Raw};
use crate::types::{Attributes, RuleAnalysis, TransferAnalysis};

const SHAPE: Shape = Shape::named(&["id"], &[]);
const ANALYSIS: Shape = Shape::named(&["id"], &["id", "rule_error"]);

/// Fields shown before the locks: title and the server's name.
const FIELDS: [(&str, &str); 7] = [
    ("Id", "id"),
    ("Account", "account"),
    ("Scope", "scope"),
    ("Name", "name"),
    ("RSE Expression", "rse_expression"),
    ("Copies", "copies"),
    ("State", "state"),
];
/// Fields shown after the locks.
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
    /// Rule ID, or its first digits
    #[arg(add = ValueKind::Rule)]
    pub rule_id: String,
    /// Explain why transfers are stuck
    #[arg(long)]
    pub examine: bool,
    #[command(flatten)]
    pub watch: Watch,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    show(context, args, CompatOptions::default()).await
}

/// Shows the rule, for a legacy command as `compat` says.
pub(crate) async fn show(context: &Context, args: Args, compat: CompatOptions) -> Result<()> {
    let client = context.client()?;
    let Args { rule_id, examine: is_examined, watch } = args;
    let rule_id = short_id::resolve(client, &rule_id).await?;
    let words = format!("rule show {rule_id}");
    let once = async || {
        if is_examined {
            return examine(context, client, &rule_id, compat).await;
        }
        show_fields(context, &api::rules::get(client, &rule_id).await.map_err(explained)?)
    };
    watch.run(context, &words, once).await
}

fn show_fields(context: &Context, rule: &Raw<Attributes>) -> Result<()> {
    let field = |key: &str| member_str(rule.get(key).unwrap_or(&Value::Null));
    let line = |title: &str, value: String| format!("{:<28}{value}", format!("{title}:"));
    let lines = |fields: &[(&str, &str)]| fields.iter().map(|(title, key)| line(title, field(key))).collect::<Vec<_>>();
    context.ui.one(SHAPE, rule, || {
        let locks = ["locks_ok_cnt", "locks_replicating_cnt", "locks_stuck_cnt"].map(field).join("/");
        let locks = vec![line("Locks OK/REPLICATING/STUCK", locks)];
        [lines(&FIELDS), locks, lines(&MORE_FIELDS)].concat().join("\n")
    })
}

async fn examine(context: &Context, client: &Client, rule_id: &str, compat: CompatOptions) -> Result<()> {
    let analysis: Raw<RuleAnalysis> = api::rules::examine(client, rule_id).await.map_err(explained)?;
    let record = analysis.with_fields_before(&json!({"id": rule_id}))?;
    context.ui.one(ANALYSIS, &record, || {
        let status = format!("Status of the replication rule: {}", member_str(&analysis.rule_error));
        let title = (!analysis.transfers.is_empty()).then(|| "STUCK Requests:".to_owned());
        let transfers = analysis.transfers.iter().map(|transfer| describe(transfer, compat.rule_info_layout));
        [status].into_iter().chain(title).chain(transfers).collect::<Vec<_>>().join("\n")
    })
}

fn describe(transfer: &TransferAnalysis, rule_info_layout: bool) -> String {
    let (indent, width) = if rule_info_layout { (4, 22) } else { (5, 20) };
    let sources = |usable: bool| {
        let names = transfer.sources.iter().filter(|(_, is_usable)| *is_usable == usable);
        names.map(|(rse, _)| rse.as_str()).collect::<Vec<_>>().join(", ")
    };
    let fields = [
        ("RSE", member_str(&transfer.rse)),
        ("Attempts", member_str(&transfer.attempts)),
        ("Last Retry", member_str(&transfer.last_time)),
        ("Last error", member_str(&transfer.last_error)),
        ("Last source", member_str(&transfer.last_source)),
        ("Available sources", sources(true)),
        ("Blocklisted sources", sources(false)),
    ];
    let line = |(title, value): &(&str, String)| format!("\n{:indent$}{:<width$}{value}", "", format!("{title}:"));
    format!("  {}{}", transfer.did, fields.iter().map(line).collect::<String>())
}
