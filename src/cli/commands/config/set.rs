//! `rucio config set`

use serde_json::json;

use super::SHAPE;
use crate::api;
use crate::cli::context::Context;
use crate::error::Result;

/// Set a key of the server configuration
///
/// Example: rucio config set --section policy --key support --value help@example.org
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Section of the key, created if it does not exist
    #[arg(short, long)]
    pub section: String,
    /// Key to set
    #[arg(long)]
    pub key: String,
    /// New value
    #[arg(long, allow_hyphen_values = true)]
    pub value: String,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let Args { section, key, .. } = &args;
    let sections = api::config::all(context.client()?).await?;
    if sections.get(section).and_then(|options| options.get(key)).is_some_and(|value| !value.is_null()) {
        tracing::debug!("{section}.{key} already exists. Overwriting...");
    }
    set(context, args).await
}

/// Sets the key without looking at its previous value.
pub(crate) async fn set(context: &Context, args: Args) -> Result<()> {
    let Args { section, key, value } = &args;
    api::config::set(context.client()?, section, key, value).await?;
    let record = json!({"section": section, "option": key, "value": value});
    context.ui.one(SHAPE, &record, || format!("Set configuration: {section}.{key}={value}"))
}
