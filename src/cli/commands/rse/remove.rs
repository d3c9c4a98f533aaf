//! `rucio rse remove`

use serde_json::json;

use super::{ACTION, explained};
use crate::api;
use crate::cli::context::Context;
use crate::cli::value_kind::ValueKind;
use crate::error::Result;

/// Delete an empty RSE permanently
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// RSE name
    #[arg(add = ValueKind::Rse)]
    pub rse_name: String,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    api::rses::remove(context.client()?, &args.rse_name).await.map_err(explained)?;
    context.ui.record(ACTION, &json!({"rse": args.rse_name}))
}
