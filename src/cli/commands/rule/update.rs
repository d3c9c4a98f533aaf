//! `rucio rule update`

use serde_json::Value;

use super::add::boolean;
use super::{DONE, explained, short_id, unless_none};
use crate::api;
use crate::cli::context::Context;
use crate::cli::duration;
use crate::cli::value_kind::ValueKind;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::types::Attributes;

/// Update a rule
///
/// Example: rucio rule update --lifetime 14d 0123456789abcdef0123456789abcdef
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Rule ID, or its first digits
    #[arg(add = ValueKind::Rule)]
    pub rule_id: String,
    #[command(flatten)]
    pub options: Options,
    /// Protect the rule against deletion (true), or allow it (false)
    #[arg(long, value_name = "BOOL", value_parser = boolean)]
    pub locked: Option<bool>,
    /// Source RSE expression, or None for any RSE
    #[arg(long, value_name = "EXPRESSION", add = ValueKind::RseExpression)]
    pub source_rses: Option<String>,
}

/// Options that `rucio rule update` and `rucio update-rule` share.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Lifetime, counted from now: seconds, or 2h, 14d; None for unlimited
    #[arg(long, value_name = "DURATION", allow_negative_numbers = true)]
    pub lifetime: Option<String>,
    /// Transfer activity (User Subscriptions, Data Consolidation, ...)
    #[arg(long)]
    pub activity: Option<String>,
    /// Comment on the rule
    #[arg(long)]
    pub comment: Option<String>,
    /// Account that owns the rule
    #[arg(long, add = ValueKind::Account)]
    pub account: Option<String>,
    /// Mark the rule as stuck, so that its transfers are retried
    #[arg(long)]
    pub stuck: bool,
    /// Suspend the rule, so that nothing is transferred for it
    #[arg(long)]
    pub suspend: bool,
    /// With --stuck or --suspend, cancel the transfers of the rule
    #[arg(long)]
    pub cancel_requests: bool,
    /// Priority of the transfers (5 is the highest)
    #[arg(long, allow_negative_numbers = true)]
    pub priority: Option<String>,
    /// ID of the child rule, which replaces this one; None to unset it
    #[arg(long, value_name = "RULE_ID", add = ValueKind::Rule)]
    pub child_rule_id: Option<String>,
    /// Retry the transfers of a stuck rule soon
    #[arg(long)]
    pub boost_rule: bool,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let Args { rule_id, options, locked, source_rses } = args;
    check(&options)?;
    let mut changes = changes(options)?;
    changes.extend(locked.map(|locked| ("locked".to_owned(), locked.into())));
    let sources = source_rses.filter(|sources| !sources.is_empty()).map(unless_none);
    changes.extend(sources.map(|sources| ("source_replica_expression".to_owned(), sources.into())));
    let client = context.client()?;
    let rule_id = short_id::resolve(client, &rule_id).await?;
    api::rules::update(client, &rule_id, &changes).await.map_err(explained)?;
    let mut record = Attributes::from_iter([("id".to_owned(), Value::from(rule_id))]);
    record.extend(changes);
    context.ui.one(DONE, &record, || "Updated Rule".to_owned())
}

fn check(options: &Options) -> Result<()> {
    let message = match options {
        Options { suspend: true, stuck: true, .. } => {
            "Cannot supply both '--stuck' and '--suspend'. Supply one or the other."
        }
        Options { cancel_requests: true, suspend: false, stuck: false, .. } => {
            "--stuck or --suspend must be specified when running --cancel-requests"
        }
        _ => return Ok(()),
    };
    Err(Error::new(Exception::InputValidationError, message))
}

/// Returns the fields to change; empty option values are ignored.
fn changes(options: Options) -> Result<Attributes> {
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let seconds = |text: String| unless_none(text).map(|text| lifetime(&text)).transpose();
    let state = if options.suspend { "SUSPENDED" } else { "STUCK" };
    let flag = |set: bool, value: Value| set.then_some(value);
    let fields = [
        ("lifetime", given(options.lifetime).map(seconds).transpose()?.map(Value::from)),
        ("comment", given(options.comment).map(Value::from)),
        ("account", given(options.account).map(Value::from)),
        ("state", flag(options.stuck || options.suspend, state.into())),
        ("activity", given(options.activity).map(Value::from)),
        ("cancel_requests", flag(options.cancel_requests, true.into())),
        ("priority", given(options.priority).map(|text| integer("--priority", &text)).transpose()?.map(Value::from)),
        ("child_rule_id", given(options.child_rule_id).map(|id| unless_none(id).into())),
        ("boost_rule", flag(options.boost_rule, true.into())),
    ];
    Ok(fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
}

fn lifetime(text: &str) -> Result<i64> {
    duration::whole_seconds(text.trim()).map_err(|wrong| Error::value(format!("Invalid --lifetime {text:?}: {wrong}.")))
}

fn integer(option: &str, text: &str) -> Result<i64> {
    text.trim().parse().map_err(|_| Error::value(format!("{option} requires an integer, not {text:?}.")))
}
