//! `rucio session ...`: list, show and renew saved sessions.
//!
//! Only arguments and output; sessions themselves are in `auth::session`, logging in is in `commands::login`.

mod list;
pub(crate) mod show;
mod update;
pub(crate) mod view;

use clap::Subcommand;

use crate::cli::context::Context;
use crate::error::Result;

/// Subcommands of `rucio session`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    List(list::Args),
    Show(show::Args),
    Update(update::Args),
}

impl Command {
    /// Runs the subcommand.
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::List(args) => list::run(context, args).await,
            Self::Show(args) => show::run(context, args).await,
            Self::Update(args) => update::run(context, args).await,
        }
    }
}
