//! `rucio account ...`

pub(crate) mod limit;

use clap::Subcommand;

use crate::cli::context::Context;
use crate::error::Result;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// What accounts use and may use at the RSEs
    #[command(subcommand)]
    Limit(limit::Command),
}

impl Command {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::Limit(command) => command.run(context).await,
        }
    }
}
