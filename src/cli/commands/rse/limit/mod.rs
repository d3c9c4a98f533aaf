//! `rucio rse limit ...`: limits of an RSE in bytes, such as `MinFreeSpace`.
//!
//! Not the limits of accounts, which are in `account::limit`.

pub(crate) mod set;
pub(crate) mod unset;

use clap::Subcommand;

use crate::cli::context::Context;
use crate::error::Result;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Set(set::Args),
    Unset(unset::Args),
}

impl Command {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::Set(args) => set::run(context, args).await,
            Self::Unset(args) => unset::run(context, args).await,
        }
    }
}
