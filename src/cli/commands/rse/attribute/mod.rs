//! `rucio rse attribute ...`: key-value attributes of an RSE.
//!
//! Not its settings, such as `deterministic` or `city`: those are in `rse::update`.

pub(crate) mod list;
pub(crate) mod set;
pub(crate) mod unset;

use clap::Subcommand;

use crate::cli::context::Context;
use crate::error::Result;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    List(list::Args),
    Set(set::Args),
    Unset(unset::Args),
}

impl Command {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::List(args) => list::run(context, args).await,
            Self::Set(args) => set::run(context, args).await,
            Self::Unset(args) => unset::run(context, args).await,
        }
    }
}
