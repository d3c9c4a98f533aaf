//! `rucio account limit list`

use serde_json::Value;

use super::{bytes, sorted_table};
use crate::api;
use crate::cli::context::Context;
use crate::cli::ui::values::Num;
use crate::error::Result;

/// Show what an account uses, may use and has left at each RSE
///
/// Example: rucio account limit list jdoe
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The account
    pub account_name: String,
    /// Only this RSE
    #[arg(long, alias = "rse-name")]
    pub rse: Option<String>,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let client = context.client()?;
    let mut rows = Vec::new();
    let mut usages = api::accounts::local_usage(client, &args.account_name, args.rse.as_deref()).await?;
    while let Some(usage) = usages.next().await? {
        rows.push(row(context, usage.rse, [&usage.bytes, &usage.bytes_limit, &usage.bytes_remaining]));
    }
    context.ui.table(&sorted_table(["RSE", "USAGE", "LIMIT", "QUOTA LEFT"], rows))?;

    let mut rows = Vec::new();
    let mut usages = api::accounts::global_usage(client, &args.account_name).await?;
    while let Some(usage) = usages.next().await? {
        if args.rse.as_ref().is_none_or(|rse| usage.rse_expression.contains(rse)) {
            let sizes = [&usage.bytes, &usage.bytes_limit, &usage.bytes_remaining];
            rows.push(row(context, usage.rse_expression, sizes));
        }
    }
    context.ui.table(&sorted_table(["RSE EXPRESSION", "USAGE", "LIMIT", "QUOTA LEFT"], rows))
}

fn row(context: &Context, place: String, [used, limit, left]: [&Value; 3]) -> [String; 4] {
    let left = bytes(left).map(|left| match left {
        Num::Int(left) => Num::Int(left.max(0)),
        Num::Float(left) => Num::Float(left.max(0.0)),
    });
    [place, context.size(bytes(used)), context.size(bytes(limit)), context.size(left)]
}
