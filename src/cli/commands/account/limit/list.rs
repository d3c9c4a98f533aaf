//! `rucio account limit list`

use serde_json::{Map, Value, json};

use super::{bytes, sorted_table};
use crate::cli::context::Context;
use crate::cli::leaf::PrintsList;
use crate::cli::ui::Shape;
use crate::cli::ui::values::Num;
use crate::cli::value_kind::ValueKind;
use crate::error::Result;
use crate::lists;

const SHAPE: Shape =
    Shape::named(&["rse_expression"], &["locality", "rse_expression", "bytes", "bytes_limit", "bytes_remaining"]);

/// Show usage, limit and remaining quota of an account at each RSE
///
/// Example: rucio account limit list jdoe
#[derive(Debug, clap::Args)]
#[command(add = PrintsList)]
pub(crate) struct Args {
    /// Account to show
    #[arg(add = ValueKind::Account)]
    pub account_name: String,
    /// Show only this RSE
    #[arg(long, alias = "rse-name", add = ValueKind::Rse)]
    pub rse: Option<String>,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let client = context.client()?;
    let rse = args.rse.as_deref().filter(|rse| !rse.is_empty());
    let mut list = context.ui.list(SHAPE);
    let mut rows = Vec::new();
    let mut usages = lists::local_usage(client, &args.account_name, rse).await?.raw();
    while let Some(usage) = usages.next().await? {
        list.record(&record("local", &usage.rse, json!(usage)))?;
        rows.push(row(context, usage.rse.clone(), [&usage.bytes, &usage.bytes_limit, &usage.bytes_remaining]));
    }
    context.ui.table(&sorted_table(["RSE", "USAGE", "LIMIT", "QUOTA LEFT"], rows))?;

    let mut rows = Vec::new();
    let mut usages = lists::global_usage(client, &args.account_name).await?.raw();
    while let Some(usage) = usages.next().await? {
        if rse.is_none_or(|rse| usage.rse_expression.contains(rse)) {
            list.record(&record("global", &usage.rse_expression, json!(usage)))?;
            let sizes = [&usage.bytes, &usage.bytes_limit, &usage.bytes_remaining];
            rows.push(row(context, usage.rse_expression.clone(), sizes));
        }
    }
    context.ui.table(&sorted_table(["RSE EXPRESSION", "USAGE", "LIMIT", "QUOTA LEFT"], rows))?;
    list.end()
}

/// Puts locality and RSE expression in front of the usage as returned by the server.
fn record(locality: &str, place: &str, usage: Value) -> Map<String, Value> {
    let mut record = Map::new();
    record.insert("locality".to_owned(), locality.into());
    record.insert("rse_expression".to_owned(), place.into());
    record.extend(usage.as_object().cloned().unwrap_or_default());
    record
}

fn row(context: &Context, place: String, [used, limit, left]: [&Value; 3]) -> [String; 4] {
    let left = bytes(left).map(|left| match left {
        Num::Int(left) => Num::Int(left.max(0)),
        Num::Float(left) => Num::Float(left.max(0.0)),
    });
    [place, context.size(bytes(used)), context.size(bytes(limit)), context.size(left)]
}
