//! `rucio rse attribute unset`

use serde_json::json;

use crate::api;
use crate::cli::commands::rse::{ACTION, explained};
use crate::cli::context::Context;
use crate::cli::value_kind::ValueKind;
use crate::error::Result;

/// Remove an attribute from an RSE
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// RSE name
    #[arg(add = ValueKind::Rse)]
    pub rse_name: String,
    /// Attribute name
    #[arg(long, add = ValueKind::RseAttribute)]
    pub attribute: String,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let text = format!("Deleted RSE attribute for {}: {} ", args.rse_name, args.attribute);
    unset(context, &args, text).await
}

/// Removes the attribute and prints the text.
pub(crate) async fn unset(context: &Context, args: &Args, text: String) -> Result<()> {
    let Args { rse_name, attribute } = args;
    api::rses::unset_attribute(context.client()?, rse_name, attribute).await.map_err(explained)?;
    context.ui.one(ACTION, &json!({"rse": rse_name, "key": attribute}), || text)
}
