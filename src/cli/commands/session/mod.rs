//! `rucio session`

mod list;
pub(crate) mod show;
mod update;
pub(crate) mod view;

use clap::Subcommand;

use crate::cli::context::Context;
use crate::error::Result;

/// The commands of this group.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    List(list::Args),
    Show(show::Args),
    Update(update::Args),
}

impl Command {
    /// Runs the command.
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::List(args) => list::run(context, args).await,
            Self::Show(args) => show::run(context, args).await,
            Self::Update(args) => update::run(context, args).await,
        }
    }
}
