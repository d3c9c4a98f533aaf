//! `rucio auth ...`: commands that ask the server about tokens. `login`, `logout`, `session` and `token` are separate
//! commands; how tokens are obtained and saved belongs in `crate::auth`.

mod validate;

use clap::Subcommand;

use crate::cli::context::Context;
use crate::error::Result;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Validate(validate::Args),
}

impl Command {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::Validate(args) => validate::run(context, args).await,
        }
    }
}
