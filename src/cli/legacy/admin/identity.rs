//! `rucio-admin identity ...`

use clap::Subcommand;

use crate::cli::commands::account::identity::{add, remove};
use crate::cli::context::Context;
use crate::error::Result;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(mut_arg("account_name", |account| account.long("account").value_name("ACCOUNT")))]
    Add(add::Args),
    #[command(mut_arg("account_name", |account| account.long("account").value_name("ACCOUNT")))]
    Delete(remove::Args),
}

impl Command {
    pub(super) async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::Add(args) => add::run(context, args).await,
            Self::Delete(args) => remove::run(context, args).await,
        }
    }
}
