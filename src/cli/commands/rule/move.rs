//! `rucio rule move`

use serde_json::json;

use super::{DONE, explained, short_id, unless_none};
use crate::api;
use crate::cli::context::Context;
use crate::cli::value_kind::ValueKind;
use crate::error::Result;
use crate::types::Attributes;

/// Move a rule to other RSEs; the old rule is removed once the new one is OK
///
/// Example: rucio rule move --rses "tier=2&country=fr" 0123456789abcdef0123456789abcdef
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Rule ID, or its first digits
    #[arg(add = ValueKind::Rule)]
    pub rule_id: String,
    /// Destination RSE expression
    #[arg(long, alias = "rse-exp", value_name = "EXPRESSION", add = ValueKind::RseExpression)]
    pub rses: String,
    /// Transfer activity of the new rule [default: that of the old rule]
    #[arg(long, hide = true)]
    pub activity: Option<String>,
    /// Source RSE expression, or None for any RSE
    #[arg(long, value_name = "EXPRESSION", add = ValueKind::RseExpression)]
    pub source_rses: Option<String>,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let changes = changes(args.activity, args.source_rses);
    let client = context.client()?;
    let rule_id = short_id::resolve(client, &args.rule_id).await?;
    let id = api::rules::move_to(client, &rule_id, &args.rses, &changes).await.map_err(explained)?;
    let record = json!({"id": id, "rule_id": rule_id, "rse_expression": args.rses});
    context.ui.one(DONE, &record, || id.clone())
}

fn changes(activity: Option<String>, source_rses: Option<String>) -> Attributes {
    let mut changes = Attributes::new();
    if let Some(activity) = activity.filter(|activity| !activity.is_empty()) {
        changes.insert("activity".to_owned(), activity.into());
    }
    if let Some(sources) = source_rses.filter(|sources| !sources.is_empty()) {
        changes.insert("source_replica_expression".to_owned(), unless_none(sources).into());
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_move_none_removes_the_sources_and_empty_keeps_them() {
        let changed = |activity: &str, sources: &str| changes(Some(activity.to_owned()), Some(sources.to_owned()));
        assert_eq!(json!(changed("", "")), json!({}));
        assert_eq!(
            json!(changed("Staging", "NoNe")),
            json!({"activity": "Staging", "source_replica_expression": null})
        );
        assert_eq!(json!(changed("", "tier=1")), json!({"source_replica_expression": "tier=1"}));
    }
}
