//! `rucio rse distance unset`

use serde_json::json;

use super::SHAPE;
use crate::api::rses::distances::{self, Link};
use crate::cli::commands::rse::explained;
use crate::cli::context::Context;
use crate::cli::value_kind::ValueKind;
use crate::error::Result;

/// Delete the distance from one RSE to another, which stops transfers on this link
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Source RSE
    #[arg(add = ValueKind::Rse)]
    pub source_rse: String,
    /// Destination RSE
    #[arg(add = ValueKind::Rse)]
    pub destination_rse: String,
    /// Delete the distance in both directions
    #[arg(long)]
    pub bidirectional: bool,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    unset(context, &args, || {
        let source = &args.source_rse;
        let destination = &args.destination_rse;
        if args.bidirectional {
            format!("Deleted distances between {source} <-> {destination}")
        } else {
            format!("Deleted distance from {source} -> {destination}")
        }
    })
    .await
}

/// Deletes the distance and prints the text.
pub(crate) async fn unset(context: &Context, args: &Args, text: impl FnOnce() -> String) -> Result<()> {
    let source = &args.source_rse;
    let destination = &args.destination_rse;
    let link = Link { source, destination };
    distances::unset(context.client()?, link, args.bidirectional).await.map_err(explained)?;
    let record = json!({"source": source, "destination": destination, "bidirectional": args.bidirectional});
    context.ui.one(SHAPE, &record, text)
}
