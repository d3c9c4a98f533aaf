//! `rucio rse ...`

pub(crate) mod attribute;
pub(crate) mod list;

use clap::Subcommand;

use crate::cli::context::Context;
use crate::error::Result;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Attributes of RSEs, which RSE expressions are made of
    #[command(subcommand)]
    Attribute(attribute::Command),
    List(list::Args),
}

impl Command {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::Attribute(command) => command.run(context).await,
            Self::List(args) => list::run(context, args).await,
        }
    }
}
