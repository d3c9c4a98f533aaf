//! `rucio account limit unset`

use serde_json::json;

use super::LOCALITIES;
use crate::api;
use crate::cli::context::Context;
use crate::cli::ui::Shape;
use crate::cli::value_kind::ValueKind;
use crate::error::Result;

/// Remove the storage limit of an account at an RSE
///
/// Without a limit, the account cannot store anything there.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Account to change
    #[arg(add = ValueKind::Account)]
    pub account_name: String,
    /// RSE, or RSE expression of a global limit
    #[arg(long, alias = "rse-name", add = ValueKind::Rse)]
    pub rse: String,
    /// Type of limit: for one RSE (local), or for all RSEs of the expression together (global)
    #[arg(long, default_value = "local", value_parser = LOCALITIES)]
    pub locality: String,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let Args { account_name, rse, locality } = &args;
    api::accounts::delete_limit(context.client()?, account_name, locality, rse).await?;
    let record = json!({"account": account_name, "rse": rse, "locality": locality});
    let text = || format!("Deleted account limit for account {account_name} and RSE {rse}");
    context.ui.one(Shape::named(&["rse"], &[]), &record, text)
}
