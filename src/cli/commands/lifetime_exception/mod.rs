//! `rucio lifetime-exception ...`: commands for exceptions from the lifetime model. `sort` selects the datasets that
//! need one; the REST calls are in `crate::api::lifetime_exceptions`.

pub(crate) mod add;
mod sort;

use clap::Subcommand;

use crate::cli::context::Context;
use crate::error::Result;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Add(add::Args),
}

impl Command {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::Add(args) => add::run(context, args).await,
        }
    }
}
