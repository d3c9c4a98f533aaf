//! `rucio did metadata unset`

use serde_json::json;

use crate::api;
use crate::cli::commands::did::DONE;
use crate::cli::context::Context;
use crate::cli::value_kind::ValueKind;
use crate::error::Result;

/// Remove a metadata key from a DID
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// DID to change
    #[arg(add = ValueKind::Did)]
    pub did: String,
    /// Key to remove
    #[arg(long, allow_hyphen_values = true, add = ValueKind::MetadataKey)]
    pub key: String,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let did = context.did(&args.did)?;
    api::metadata::delete(context.client()?, &did, &args.key).await?;
    context.ui.record(DONE, &json!({"scope": did.scope, "name": did.name, "key": args.key}))
}
