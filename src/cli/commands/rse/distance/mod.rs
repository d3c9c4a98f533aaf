//! `rucio rse distance ...`: distances between pairs of RSEs.
//!
//! The requests are in `api::rses::distances`.

pub(crate) mod set;
pub(crate) mod show;
pub(crate) mod unset;

use clap::Subcommand;

use crate::cli::context::Context;
use crate::cli::ui::Shape;
use crate::error::Result;

/// A distance, named by its source and destination RSE.
const SHAPE: Shape = Shape { name: &["source", "destination"], columns: &[] };

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Set(set::Args),
    Show(show::Args),
    Unset(unset::Args),
}

impl Command {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::Set(args) => set::run(context, args).await,
            Self::Show(args) => show::run(context, args).await,
            Self::Unset(args) => unset::run(context, args).await,
        }
    }
}
