//! `rucio account attribute unset`

use serde_json::json;

use crate::api;
use crate::cli::context::Context;
use crate::cli::ui::Shape;
use crate::cli::value_kind::ValueKind;
use crate::error::Result;

/// Remove an attribute from an account
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Account to change
    #[arg(add = ValueKind::Account)]
    pub account_name: String,
    /// Attribute key
    #[arg(long)]
    pub key: String,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let Args { account_name, key } = &args;
    api::accounts::delete_attribute(context.client()?, account_name, key).await?;
    context.ui.record(Shape::named(&["key"], &[]), &json!({"account": account_name, "key": key}))
}
