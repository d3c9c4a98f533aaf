//! `rucio config unset`

use serde_json::json;

use crate::api;
use crate::cli::context::Context;
use crate::cli::ui::Shape;
use crate::error::Result;

/// Remove a key from the server configuration
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Section of the key
    #[arg(short, long)]
    pub section: String,
    /// Key to remove
    #[arg(short, long)]
    pub key: String,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let Args { section, key } = &args;
    api::config::delete(context.client()?, section, key).await?;
    let shape = Shape { name: &["section", "option"], columns: &[] };
    let text = || format!("Deleted section '{section}' option '{key}'");
    context.ui.one(shape, &json!({"section": section, "option": key}), text)
}
