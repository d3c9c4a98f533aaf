//! `rucio account remove`

use serde_json::json;

use super::SHAPE;
use crate::api;
use crate::cli::context::Context;
use crate::cli::value_kind::ValueKind;
use crate::error::Result;

/// Delete an account permanently
///
/// Logins as the account are refused from then on, and its name cannot be used again. To block an account temporarily:
/// rucio account update --ban
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Account to delete
    #[arg(add = ValueKind::Account)]
    pub account_name: String,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let account = &args.account_name;
    api::accounts::delete(context.client()?, account).await?;
    context.ui.one(SHAPE, &json!({"account": account}), || format!("Deleted account: {account}"))
}
