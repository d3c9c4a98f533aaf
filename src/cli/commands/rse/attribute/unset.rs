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
    /// Value of the attribute as given by the user, which only `rucio-admin` prints
    #[arg(skip)]
    pub value: Option<String>,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let Args { rse_name, attribute, value } = args;
    api::rses::unset_attribute(context.client()?, &rse_name, &attribute).await.map_err(explained)?;
    context.ui.one(ACTION, &json!({"rse": rse_name, "key": attribute}), || {
        let value = value.map(|value| format!("-{value}")).unwrap_or_default();
        format!("Deleted RSE attribute for {rse_name}: {attribute}{value} ")
    })
}
