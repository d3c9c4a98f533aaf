//! `rucio opendata did remove`

use serde_json::json;

use super::ENTRY;
use crate::api;
use crate::cli::context::Context;
use crate::error::Result;

/// Take a draft out of the open data catalogue
///
/// What has been public can be suspended, but not removed.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The DID
    did: String,
}

pub(super) async fn run(context: &Context, args: Args) -> Result<()> {
    let did = context.did(&args.did)?;
    api::opendata::remove(context.client()?, &did).await?;
    context.ui.record(ENTRY, &json!({"scope": did.scope, "name": did.name}))
}
