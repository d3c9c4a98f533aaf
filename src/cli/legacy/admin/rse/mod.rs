//! `rucio-admin rse ...`: translated into commands of `cli::commands::rse`.
//!
//! The other files have the arguments that differ from theirs.

mod distances;
mod protocols;
mod settings;

use clap::Subcommand;

use crate::cli::commands::rse::distance::set::How;
use crate::cli::commands::rse::{add, attribute, distance, limit, list, protocol, qos, remove, show};
use crate::cli::context::Context;
use crate::error::Result;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Add(add::Args),
    /// Set the distance from one RSE to another
    AddDistance(distances::Add),
    AddProtocol(Box<protocols::Add>),
    /// Add a QoS policy to an RSE
    AddQosPolicy(settings::Policy),
    Delete(remove::Args),
    DeleteAttribute(settings::DeleteAttribute),
    /// Delete the distance from one RSE to another
    DeleteDistance(distances::Delete),
    DeleteLimit(settings::DeleteLimit),
    DeleteProtocol(protocol::remove::Args),
    /// Remove a QoS policy from an RSE
    DeleteQosPolicy(settings::Policy),
    GetAttribute(attribute::list::Args),
    GetDistance(distance::show::Args),
    Info(show::Args),
    /// List RSEs
    List(settings::List),
    ListQosPolicies(qos::list::Args),
    SetAttribute(settings::SetAttribute),
    SetLimit(settings::SetLimit),
    Update(settings::Update),
    /// Update the distance from one RSE to another
    UpdateDistance(distances::Update),
}

/// Runs the command that this one is translated into.
pub(super) async fn run(context: &Context, command: Command) -> Result<()> {
    match command {
        Command::Add(args) => add::run(context, args).await,
        Command::AddDistance(args) => distance::set::set_distance(context, &args.translate(), How::Add).await,
        Command::AddProtocol(args) => protocol::add::add(context, args.translate()?).await,
        Command::AddQosPolicy(args) => qos::add::run(context, args.added()).await,
        Command::Delete(args) => remove::run(context, args).await,
        Command::DeleteAttribute(args) => args.run(context).await,
        Command::DeleteDistance(args) => args.run(context).await,
        Command::DeleteLimit(args) => limit::unset::run(context, args.translate()).await,
        Command::DeleteProtocol(args) => protocol::remove::run(context, args).await,
        Command::DeleteQosPolicy(args) => qos::remove::run(context, args.removed()).await,
        Command::GetAttribute(args) => attribute::list::run(context, args).await,
        Command::GetDistance(args) => distance::show::run(context, args).await,
        Command::Info(args) => show::run(context, args).await,
        Command::List(args) => list::run(context, args.translate()).await,
        Command::ListQosPolicies(args) => qos::list::run(context, args).await,
        Command::SetAttribute(args) => attribute::set::run(context, args.translate()).await,
        Command::SetLimit(args) => limit::set::run(context, args.translate()).await,
        Command::Update(args) => args.run(context).await,
        Command::UpdateDistance(args) => distance::set::set_distance(context, &args.translate()?, How::Update).await,
    }
}
