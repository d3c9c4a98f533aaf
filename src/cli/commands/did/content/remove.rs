//! `rucio did content remove`

use serde_json::json;

use crate::api;
use crate::cli::commands::did::DONE;
use crate::cli::context::Context;
use crate::cli::value_kind::ValueKind;
use crate::error::Result;

/// Detach DIDs from a dataset or a container
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Collection to detach from
    #[arg(short, long, value_name = "DID", add = ValueKind::Did)]
    pub from_did: String,
    /// DIDs to detach
    #[arg(add = ValueKind::Did)]
    pub dids: Vec<String>,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let from = context.did(&args.from_did)?;
    let dids = context.dids(&args.dids)?;
    api::dids::detach(context.client()?, &from, &dids).await?;
    let record = json!({"scope": from.scope, "name": from.name, "dids": dids});
    context.ui.one(DONE, &record, || format!("DIDs successfully detached from {from}"))
}
