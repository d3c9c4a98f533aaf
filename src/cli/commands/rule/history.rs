//! `rucio rule history`

use std::collections::HashSet;

use crate::cli::context::Context;
use crate::cli::leaf::PrintsList;
use crate::cli::ui::Shape;
use crate::cli::ui::values::member_str;
use crate::cli::value_kind::ValueKind;
use crate::error::Result;
use crate::lists;
use crate::types::RuleEvent;

const SHAPE: Shape =
    Shape::named(&["rule_id"], &["rule_id", "account", "rse_expression", "state", "created_at", "updated_at"]);

/// Show when the rules on a DID were created and deleted
#[derive(Debug, clap::Args)]
#[command(add = PrintsList)]
pub(crate) struct Args {
    /// DID (scope:name)
    #[arg(add = ValueKind::Did)]
    pub did: String,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let did = context.did(&args.did)?;
    let mut events = lists::rule_history(context.client()?, &did).await?.raw();
    let mut list = context.ui.list(SHAPE);
    let mut rules = HashSet::new();
    while let Some(event) = events.next().await? {
        let is_new = rules.insert(event.rule_id.clone());
        if !is_new {
            rules.remove(&event.rule_id);
        }
        list.line(&event, || describe(&event, is_new))?;
    }
    list.end()
}

/// Formats an event: the first one of a rule is its creation, the second one its deletion.
fn describe(event: &RuleEvent, is_new: bool) -> String {
    let (what, time) = if is_new { ("insertion", &event.created_at) } else { ("deletion", &event.updated_at) };
    format!(
        "{}\nRule {what}\nAccount : {}\nRSE expression : {}\nTime : {}",
        "-".repeat(40),
        event.account,
        event.rse_expression,
        member_str(time)
    )
}
