//! `rucio scope add`

use serde_json::json;

use super::SHAPE;
use crate::api;
use crate::cli::context::Context;
use crate::cli::value_kind::ValueKind;
use crate::error::Result;

/// Create a scope
///
/// Example: rucio scope add --account jdoe user.jdoe
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Name of the new scope
    #[arg(add = ValueKind::Scope)]
    pub scope_name: String,
    /// Account that owns the scope
    #[arg(short, long, add = ValueKind::Account)]
    pub account: String,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let Args { scope_name, account } = &args;
    api::scopes::add(context.client()?, account, scope_name).await?;
    let record = json!({"scope": scope_name, "account": account});
    context.ui.one(SHAPE, &record, || format!("Added new scope to {account}: {scope_name}"))
}
