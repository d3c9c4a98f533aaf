//! `rucio rse protocol ...`: access protocols of an RSE.
//!
//! Only the entries in the catalogue; the protocols themselves are implemented in `crate::storage`.

pub(crate) mod add;
pub(crate) mod remove;

use clap::Subcommand;

use crate::cli::context::Context;
use crate::error::Result;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Add(Box<add::Args>),
    Remove(remove::Args),
}

impl Command {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::Add(args) => add::run(context, *args).await,
            Self::Remove(args) => remove::run(context, args).await,
        }
    }
}
