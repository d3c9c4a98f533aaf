//! `rucio replica ...`

pub(crate) mod list;
pub(crate) mod pfns;
pub(crate) mod remove;
pub(crate) mod state;

use clap::Subcommand;

use crate::cli::context::Context;
use crate::error::Result;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List replicas of files or of datasets
    #[command(subcommand)]
    List(list::Command),
    Remove(remove::Args),
    /// Show and set the state of replicas: suspicious, bad, quarantined, unavailable
    #[command(subcommand)]
    State(state::Command),
}

impl Command {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::List(command) => command.run(context).await,
            Self::Remove(args) => remove::run(context, args).await,
            Self::State(command) => command.run(context).await,
        }
    }
}
