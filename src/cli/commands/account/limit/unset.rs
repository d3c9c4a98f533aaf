//! `rucio account limit unset`

use serde_json::json;

use super::LOCALITIES;
use crate::api;
use crate::cli::context::Context;
use crate::cli::ui::Shape;
use crate::error::Result;

/// Take away what an account may store at an RSE
///
/// Without a limit, nothing may be stored there.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The account
    pub account_name: String,
    /// The RSE, or the expression of a global limit
    #[arg(long, alias = "rse-name")]
    pub rse: String,
    /// Whether the limit is for one RSE or for all that the expression means together
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
