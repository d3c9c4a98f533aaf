//! `rucio replica state ...`: list suspicious replicas and declare replica states.
//!
//! The requests are in `api::replicas::states`.

pub(crate) mod list;
pub(crate) mod update;

use clap::Subcommand;

use crate::cli::context::Context;
use crate::error::Result;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    List(list::Args),
    /// Declare replicas bad, quarantined or unavailable
    #[command(subcommand)]
    Update(update::Command),
}

impl Command {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::List(args) => list::run(context, args.which).await,
            Self::Update(command) => command.run(context).await,
        }
    }
}
