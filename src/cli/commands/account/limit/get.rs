//! `rucio-admin account get-limits`: one limit, which the new tree shows among all of an account.

use serde_json::json;

use super::{LOCALITIES, SHAPE, bytes};
use crate::api;
use crate::cli::context::Context;
use crate::cli::ui::values::sizefmt;
use crate::error::Result;

/// Show what an account may use at an RSE or over an RSE expression
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The account
    pub account: String,
    /// The RSE, or the expression of a global limit
    pub rse: String,
    /// Whether the limit is for one RSE or for all that the expression means together
    #[arg(default_value = "local", value_parser = LOCALITIES)]
    pub locality: String,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let Args { account, rse, locality } = &args;
    let mut list = context.ui.list(SHAPE);
    for (place, limit) in api::accounts::limit(context.client()?, account, locality, rse).await? {
        let record = json!({"locality": locality, "rse_expression": place, "limit": limit});
        list.line(&record, || format!("Quota on {place} for {account} : {}", sizefmt(bytes(&limit), true)))?;
    }
    list.end()
}
