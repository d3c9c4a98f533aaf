//! `rucio rse distance show`

use serde_json::json;

use super::SHAPE;
use crate::api::rses::distances::{self, Link};
use crate::cli::commands::rse::explained;
use crate::cli::context::Context;
use crate::cli::ui::values::to_str;
use crate::cli::value_kind::ValueKind;
use crate::error::Result;

/// Show the distance from one RSE to another
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Source RSE
    #[arg(add = ValueKind::Rse)]
    pub source_rse: String,
    /// Destination RSE
    #[arg(add = ValueKind::Rse)]
    pub destination_rse: String,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let source = &args.source_rse;
    let destination = &args.destination_rse;
    let distance = distances::get(context.client()?, Link { source, destination }).await.map_err(explained)?;
    let distance = distance.map(|known| known.distance);
    let record = json!({"source": source, "destination": destination, "distance": distance});
    context.ui.one(SHAPE, &record, || match &distance {
        Some(distance) => {
            format!("Distance information from {source} to {destination}: distance={}", to_str(distance))
        }
        None => format!("No distance set from {source} to {destination}"),
    })
}
