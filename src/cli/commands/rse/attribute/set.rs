//! `rucio rse attribute set`

use serde_json::json;

use crate::api;
use crate::cli::commands::rse::{ACTION, explained};
use crate::cli::context::Context;
use crate::cli::value_kind::ValueKind;
use crate::error::Result;

/// Set an attribute of an RSE
///
/// Example: rucio rse attribute set XRD1 --key tier --value 1
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// RSE name
    #[arg(add = ValueKind::Rse)]
    pub rse_name: String,
    /// Attribute name
    #[arg(long, add = ValueKind::RseAttribute)]
    pub key: String,
    /// Attribute value
    #[arg(long, allow_hyphen_values = true)]
    pub value: String,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let Args { rse_name, key, value } = args;
    api::rses::set_attribute(context.client()?, &rse_name, &key, &value).await.map_err(explained)?;
    context.ui.one(ACTION, &json!({"rse": rse_name, "key": key, "value": value}), || {
        format!("Added new RSE attribute for {rse_name}: {key}-{value} ")
    })
}
