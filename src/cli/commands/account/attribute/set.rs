//! `rucio account attribute set`

use serde_json::json;

use crate::api;
use crate::cli::context::Context;
use crate::cli::ui::Shape;
use crate::cli::value_kind::ValueKind;
use crate::error::Result;
use crate::http::Client;

/// Set an attribute of an account, replacing any previous value
///
/// Example: rucio account attribute set --key country --value ch jdoe
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Account to change
    #[arg(add = ValueKind::Account)]
    pub account_name: String,
    /// Attribute key
    #[arg(long)]
    pub key: String,
    /// Attribute value
    #[arg(long, allow_hyphen_values = true)]
    pub value: String,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let client = context.client()?;
    if has_attribute(client, &args.account_name, &args.key).await? {
        let Args { account_name, key, .. } = &args;
        tracing::debug!("key {key} already exists for account {account_name}! Overwriting...");
        api::accounts::delete_attribute(client, &args.account_name, &args.key).await?;
    }
    add(context, &args).await
}

/// Adds the attribute; the server refuses it if the account has it already.
pub(crate) async fn add(context: &Context, args: &Args) -> Result<()> {
    let Args { account_name, key, value } = args;
    api::accounts::add_attribute(context.client()?, account_name, key, value).await?;
    let record = json!({"account": account_name, "key": key, "value": value});
    context.ui.record(Shape::named(&["key"], &[]), &record)
}

async fn has_attribute(client: &Client, account: &str, key: &str) -> Result<bool> {
    let attributes = api::accounts::attributes(client, account).await?;
    Ok(attributes.iter().any(|attribute| attribute.get("key").and_then(|name| name.as_str()) == Some(key)))
}
