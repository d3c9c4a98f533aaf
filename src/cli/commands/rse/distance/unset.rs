//! `rucio rse distance unset`

use serde_json::json;

use super::SHAPE;
use crate::api::rses::distances::{self, Link};
use crate::cli::commands::rse::explained;
use crate::cli::context::Context;
use crate::error::Result;

/// Take the distance from one RSE to another away, so that nothing is transferred that way
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where files come from
    pub source_rse: String,
    /// Where they go to
    pub destination_rse: String,
    /// The way back, too
    #[arg(long)]
    pub bidirectional: bool,
    /// Tell it in the words of the admin tree
    #[arg(skip)]
    pub admin_words: bool,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let (source, destination) = (&args.source_rse, &args.destination_rse);
    let link = Link { source, destination };
    distances::unset(context.client()?, link, args.bidirectional).await.map_err(explained)?;
    let record = json!({"source": source, "destination": destination, "bidirectional": args.bidirectional});
    context.ui.one(SHAPE, &record, || match (args.admin_words, args.bidirectional) {
        (true, _) => format!("Deleted distance information from {source} to {destination}."),
        (_, true) => format!("Deleted distances between {source} <-> {destination}"),
        (_, false) => format!("Deleted distance from {source} -> {destination}"),
    })
}
