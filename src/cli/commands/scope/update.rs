//! `rucio scope update`

use serde_json::json;

use super::SHAPE;
use crate::api;
use crate::cli::context::Context;
use crate::cli::value_kind::ValueKind;
use crate::error::Result;

/// Change the owner of a scope
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Scope name
    #[arg(add = ValueKind::Scope)]
    pub scope_name: String,
    /// New owner of the scope
    #[arg(long, add = ValueKind::Account)]
    pub account: String,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let Args { scope_name, account } = &args;
    api::scopes::update(context.client()?, account, scope_name).await?;
    context.ui.record(SHAPE, &json!({"scope": scope_name, "account": account}))
}
