//! `rucio replica list ...`: replicas of files and of datasets.
//!
//! Holds arguments and output; paging and resuming the listings is the job of `crate::lists`.

pub(crate) mod dataset;
pub(crate) mod file;

use clap::Subcommand;

use crate::cli::context::Context;
use crate::error::Result;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Dataset(dataset::Args),
    File(file::Args),
}

impl Command {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::Dataset(args) => dataset::run(context, args).await,
            Self::File(args) => file::run(context, args).await,
        }
    }
}
