//! `rucio rse distance ...`

pub(crate) mod set;
pub(crate) mod show;
pub(crate) mod unset;

use clap::Subcommand;

use crate::cli::context::Context;
use crate::cli::ui::Shape;
use crate::error::Result;

/// A distance: from where to where, and how far.
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
