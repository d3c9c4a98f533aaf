//! `rucio auth`

mod validate;

use clap::Subcommand;

use crate::cli::context::Context;
use crate::error::Result;

/// The commands of this group.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Validate(validate::Args),
}

impl Command {
    /// Runs the command.
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::Validate(args) => validate::run(context, args).await,
        }
    }
}
