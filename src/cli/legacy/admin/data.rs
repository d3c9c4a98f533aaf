//! `rucio-admin data ...`

use clap::Subcommand;

use crate::cli::commands::data::{export, import};
use crate::cli::context::Context;
use crate::error::Result;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Export(export::Args),
    Import(import::Args),
}

impl Command {
    pub(super) async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::Export(args) => export::run(context, args).await,
            Self::Import(args) => import::run(context, args).await,
        }
    }
}
