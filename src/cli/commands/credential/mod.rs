//! `rucio credential`

mod sign_url;
mod signed;

use clap::Subcommand;

use crate::cli::context::Context;
use crate::error::Result;

/// The commands of this group.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    SignUrl(sign_url::Args),
}

impl Command {
    /// Runs the command.
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::SignUrl(args) => sign_url::run(context, args).await,
        }
    }
}
