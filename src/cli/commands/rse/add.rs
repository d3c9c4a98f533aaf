//! `rucio rse add`

use serde_json::json;

use super::{ACTION, explained};
use crate::api;
use crate::cli::context::Context;
use crate::cli::value_kind::ValueKind;
use crate::error::Result;

/// Create an RSE
///
/// Example: rucio rse add JDOE_DATADISK
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Name of the new RSE, in capital letters
    #[arg(add = ValueKind::Rse)]
    pub rse_name: String,
    /// Register the path of each file instead of deriving it from the file's name
    #[arg(long)]
    pub non_deterministic: bool,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let Args { rse_name, non_deterministic } = args;
    api::rses::add(context.client()?, &rse_name, !non_deterministic).await.map_err(explained)?;
    let record = json!({"rse": rse_name, "deterministic": !non_deterministic});
    context.ui.one(ACTION, &record, || {
        let non = if non_deterministic { "non-" } else { "" };
        format!("Added new {non}deterministic RSE: {rse_name}")
    })
}
