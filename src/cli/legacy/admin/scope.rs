//! `rucio-admin scope ...`

use clap::Subcommand;

use crate::cli::commands::scope::{add, list};
use crate::cli::context::Context;
use crate::error::Result;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(mut_arg("scope_name", |scope| scope.long("scope").value_name("SCOPE")))]
    Add(add::Args),
    List(list::Args),
}

impl Command {
    pub(super) async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::Add(args) => add::run(context, args).await,
            Self::List(args) => list::run(context, args).await,
        }
    }
}
