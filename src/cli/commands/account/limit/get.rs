//! `rucio-admin account get-limits`: one limit. `rucio account limit list` shows all limits of an account instead.

use serde_json::json;

use super::{LOCALITIES, SHAPE, bytes};
use crate::api;
use crate::cli::context::Context;
use crate::cli::ui::values::sizefmt;
use crate::cli::value_kind::ValueKind;
use crate::error::Result;

/// Show the storage limit of an account at an RSE or for an RSE expression
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Account to show
    #[arg(add = ValueKind::Account)]
    pub account: String,
    /// RSE, or RSE expression of a global limit
    #[arg(add = ValueKind::Rse)]
    pub rse: String,
    /// Type of limit: for one RSE (local), or for all RSEs of the expression together (global)
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
