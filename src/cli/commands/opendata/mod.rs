//! `rucio opendata ...`: the open data catalogue.
//!
//! Holds arguments and output only, as all command groups do; the requests are in `api::opendata`.

pub(crate) mod did;

use clap::Subcommand;

use crate::cli::context::Context;
use crate::error::Result;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create, list, show, update and remove entries of the open data catalogue
    #[command(subcommand)]
    Did(did::Command),
}

impl Command {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::Did(command) => command.run(context).await,
        }
    }
}
