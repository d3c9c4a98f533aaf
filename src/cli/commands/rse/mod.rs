//! `rucio rse ...`

pub(crate) mod add;
pub(crate) mod attribute;
pub(crate) mod distance;
pub(crate) mod limit;
pub(crate) mod list;
pub(crate) mod protocol;
pub(crate) mod qos;
pub(crate) mod remove;
pub(crate) mod show;
pub(crate) mod update;
pub(crate) mod usage;

use clap::Subcommand;

use crate::cli::context::Context;
use crate::cli::ui::Shape;
use crate::error::{Error, Result};
use crate::exceptions::Exception;

/// An action on an RSE: named by it, with all fields.
const ACTION: Shape = Shape::named(&["rse"], &[]);

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Add(add::Args),
    /// Attributes of RSEs, which RSE expressions are made of
    #[command(subcommand)]
    Attribute(attribute::Command),
    /// Distances between RSEs, by which transfers choose their sources
    #[command(subcommand)]
    Distance(distance::Command),
    /// How much an RSE may hold, and how much of it stays free
    #[command(subcommand)]
    Limit(limit::Command),
    List(list::Args),
    /// Protocols by which files of an RSE are reached
    #[command(subcommand)]
    Protocol(protocol::Command),
    /// Qualities of service that an RSE offers
    #[command(subcommand)]
    Qos(qos::Command),
    Remove(remove::Args),
    Show(show::Args),
    Update(update::Args),
}

impl Command {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::Add(args) => add::run(context, args).await,
            Self::Attribute(command) => command.run(context).await,
            Self::Distance(command) => command.run(context).await,
            Self::Limit(command) => command.run(context).await,
            Self::List(args) => list::run(context, args).await,
            Self::Protocol(command) => command.run(context).await,
            Self::Qos(command) => command.run(context).await,
            Self::Remove(args) => remove::run(context, args).await,
            Self::Show(args) => show::run(context, args).await,
            Self::Update(args) => update::run(context, args).await,
        }
    }
}

/// Says where to look when an RSE is not known, or was written in small letters.
fn explained(error: Error) -> Error {
    match error.class() {
        Some(Exception::RSENotFound) => error.with_hint("rucio rse list shows the RSEs there are."),
        Some(Exception::InvalidObject) => {
            error.with_hint("RSE names are made of capital letters, digits, - and _, for example CERN-PROD_DATADISK.")
        }
        _ => error,
    }
}
