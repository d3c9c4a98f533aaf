//! `rucio opendata did remove`

use serde_json::json;

use super::ENTRY;
use crate::api;
use crate::cli::context::Context;
use crate::cli::value_kind::ValueKind;
use crate::error::Result;

/// Remove a draft from the open data catalogue
///
/// An entry that has been public can be suspended, but not removed.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// DID (scope:name)
    #[arg(add = ValueKind::Did)]
    did: String,
}

pub(super) async fn run(context: &Context, args: Args) -> Result<()> {
    let did = context.did(&args.did)?;
    api::opendata::remove(context.client()?, &did).await?;
    context.ui.record(ENTRY, &json!({"scope": did.scope, "name": did.name}))
}
