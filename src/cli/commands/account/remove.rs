//! `rucio account remove`

use serde_json::json;

use super::SHAPE;
use crate::api;
use crate::cli::context::Context;
use crate::error::Result;

/// Close an account for ever
///
/// Nobody can log in as it again, and no other account can have its name. To shut somebody out for a while:
/// rucio account update --ban
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The account
    pub account_name: String,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let account = &args.account_name;
    api::accounts::delete(context.client()?, account).await?;
    context.ui.one(SHAPE, &json!({"account": account}), || format!("Deleted account: {account}"))
}
