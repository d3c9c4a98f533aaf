//! `rucio replica ...`: list replicas, set their state, and delete them.
//!
//! `pfns` has no command of its own here: it serves `rucio-admin replicas list-pfns`. Requests are in `api::replicas`.

pub(crate) mod list;
pub(crate) mod pfns;
pub(crate) mod remove;
pub(crate) mod state;

use clap::Subcommand;

use crate::cli::context::Context;
use crate::error::Result;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List file or dataset replicas
    #[command(subcommand)]
    List(list::Command),
    Remove(remove::Args),
    /// List and update replica states: suspicious, bad, quarantined, unavailable
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
