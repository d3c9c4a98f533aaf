//! `rucio opendata did add`

use serde_json::json;

use super::ENTRY;
use crate::api;
use crate::cli::context::Context;
use crate::cli::value_kind::ValueKind;
use crate::error::Result;

/// Add a DID to the open data catalogue as a draft
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// DID (scope:name)
    #[arg(add = ValueKind::Did)]
    did: String,
}

pub(super) async fn run(context: &Context, args: Args) -> Result<()> {
    let did = context.did(&args.did)?;
    api::opendata::add(context.client()?, &did).await?;
    context.ui.record(ENTRY, &json!({"scope": did.scope, "name": did.name, "state": "DRAFT"}))
}
