//! `rucio-admin config ...`

use clap::Subcommand;

use crate::cli::commands::config::{list, set, unset};
use crate::cli::context::Context;
use crate::error::Result;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(mut_arg("key", |key| key.long("option").value_name("OPTION")))]
    Get(list::Args),
    #[command(mut_arg("key", |key| key.long("option").value_name("OPTION")))]
    Set(set::Args),
    #[command(mut_arg("key", |key| key.long("option").value_name("OPTION")))]
    Delete(unset::Args),
}

impl Command {
    pub(super) async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::Get(args) => list::run(context, args).await,
            Self::Set(args) => set::run(context, args).await,
            Self::Delete(args) => unset::run(context, args).await,
        }
    }
}
