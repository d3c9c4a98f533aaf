//! `rucio list-account-limits`: limits only. `rucio account limit list` shows them together with the usage.

use serde_json::{Value, json};

use super::{SHAPE, bytes, sorted_table};
use crate::api;
use crate::cli::context::Context;
use crate::cli::ui::Listing;
use crate::cli::value_kind::ValueKind;
use crate::error::Result;

/// Show the storage limits of an account
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Account to show
    #[arg(add = ValueKind::Account)]
    pub limit_account: String,
    /// Show only this RSE
    #[arg(long, add = ValueKind::Rse)]
    pub rse: Option<String>,
}

/// The rows of one of the two tables.
type Rows = Vec<[String; 2]>;

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let client = context.client()?;
    let rse = args.rse.as_deref().filter(|rse| !rse.is_empty());
    let mut list = context.ui.list(SHAPE);
    let mut rows = Rows::new();
    for (rse, limit) in api::accounts::local_limits(client, &args.limit_account, rse).await? {
        rows.push(row(context, &mut list, "local", rse, &limit)?);
    }
    context.ui.table(&sorted_table(["RSE", "LIMIT"], rows))?;

    let mut rows = Rows::new();
    for (expression, limit) in api::accounts::global_limits(client, &args.limit_account).await? {
        if rse.is_none_or(|rse| limit.resolved_rses.iter().any(|resolved| resolved == rse)) {
            rows.push(row(context, &mut list, "global", expression, &limit.limit)?);
        }
    }
    context.ui.table(&sorted_table(["RSE EXPRESSION", "LIMIT"], rows))?;
    list.end()
}

fn row(context: &Context, list: &mut Listing, locality: &str, place: String, limit: &Value) -> Result<[String; 2]> {
    list.record(&json!({"locality": locality, "rse_expression": place, "limit": limit}))?;
    Ok([place, context.size(bytes(limit))])
}
