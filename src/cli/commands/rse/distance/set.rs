//! `rucio rse distance set`

use serde_json::json;

use super::SHAPE;
use crate::api::rses::distances::{self, Link};
use crate::cli::commands::rse::explained;
use crate::cli::context::Context;
use crate::cli::value_kind::ValueKind;
use crate::error::Result;
use crate::http::Client;

/// Set the distance from one RSE to another; the nearer source is preferred
///
/// Example: rucio rse distance set XRD1 XRD2 --distance 3 --bidirectional
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Source RSE
    #[arg(add = ValueKind::Rse)]
    pub source_rse: String,
    /// Destination RSE
    #[arg(add = ValueKind::Rse)]
    pub destination_rse: String,
    /// Distance
    #[arg(long, default_value_t = 1, allow_negative_numbers = true)]
    pub distance: i64,
    /// Set the distance in both directions
    #[arg(long)]
    pub bidirectional: bool,
}

/// How to treat an existing distance.
#[derive(Debug, Clone, Copy)]
pub(crate) enum How {
    /// Update the distance if it is set, else add it.
    Either,
    /// Only add the distance.
    Add,
    /// Only update the distance.
    Update,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    set_distance(context, &args, How::Either).await
}

/// Sets the distance; `rucio-admin` has a command each to add and to update it.
pub(crate) async fn set_distance(context: &Context, args: &Args, how: How) -> Result<()> {
    let Args { source_rse: source, destination_rse: destination, distance, bidirectional } = args;
    let client = context.client()?;
    let link = Link { source, destination };
    match how {
        How::Either => set(client, link, *distance, *bidirectional).await,
        How::Add => distances::add(client, link, *distance, false).await,
        How::Update => distances::update(client, link, *distance, false).await,
    }
    .map_err(explained)?;
    let record = json!({"source": source, "destination": destination, "distance": distance,
                        "bidirectional": bidirectional});
    context.ui.one(SHAPE, &record, || text(args, how))
}

async fn set(client: &Client, link: Link<'_>, distance: i64, bidirectional: bool) -> Result<()> {
    let there = distances::get(client, link).await?.is_some();
    let back = distances::get(client, link.back()).await?.is_some();
    match (there, back, bidirectional) {
        (false, _, false) => distances::add(client, link, distance, false).await,
        (true, _, false) => distances::update(client, link, distance, false).await,
        (false, false, true) => distances::add(client, link, distance, true).await,
        (true, true, true) => distances::update(client, link, distance, true).await,
        (true, false, true) => add_and_update(client, link.back(), link, distance).await,
        (false, true, true) => add_and_update(client, link, link.back(), distance).await,
    }
}

async fn add_and_update(client: &Client, new: Link<'_>, known: Link<'_>, distance: i64) -> Result<()> {
    distances::add(client, new, distance, false).await?;
    distances::update(client, known, distance, false).await
}

fn text(args: &Args, how: How) -> String {
    let Args { source_rse: source, destination_rse: destination, distance, bidirectional } = args;
    match how {
        How::Either if *bidirectional => format!("Set distances between {source} <-> {destination} to {distance}"),
        How::Either => format!("Set distance from {source} -> {destination} to {distance}"),
        How::Add => format!("Set distance from {source} to {destination} to {distance}"),
        How::Update => {
            format!("Update distance information from {source} to {destination}:\n- Distance set to {distance}")
        }
    }
}
