//! `rucio did add`

use clap::ValueEnum;
use serde_json::json;

use super::DONE;
use crate::api;
use crate::cli::context::Context;
use crate::cli::duration;
use crate::cli::value_kind::ValueKind;
use crate::error::Result;
use crate::types::CollectionType;

/// Create a dataset or a container
///
/// Example: rucio did add --type dataset user.jdoe:analysis.1
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// DID to create
    #[arg(add = ValueKind::Did)]
    pub did_name: String,
    /// Type of the new DID [default: dataset]
    #[arg(long = "type", value_enum)]
    pub kind: Option<CollectionKind>,
    /// Make the collection monotonic (content can only be added)
    #[arg(long)]
    pub monotonic: bool,
    /// Time until the DID expires: seconds, or 2h, 14d
    #[arg(long, value_name = "DURATION", allow_negative_numbers = true, value_parser = duration::whole_seconds)]
    pub lifetime: Option<i64>,
}

/// Types of collections, as given on the command line.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum CollectionKind {
    Container,
    Dataset,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let did = context.did(&args.did_name)?;
    let kind = match args.kind {
        Some(CollectionKind::Container) => CollectionType::Container,
        Some(CollectionKind::Dataset) | None => CollectionType::Dataset,
    };
    api::dids::add(context.client()?, &did, kind, args.monotonic, args.lifetime).await?;
    let record = json!({"scope": did.scope, "name": did.name, "type": kind});
    context.ui.one(DONE, &record, || format!("Added {did}"))
}
