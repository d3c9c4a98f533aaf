//! `rucio credential ...`: commands for access to cloud storage with the server's credentials. `signed` parses signed
//! URLs; the user's own credentials belong in `crate::auth`.

mod sign_url;
mod signed;

use clap::Subcommand;

use crate::cli::context::Context;
use crate::error::Result;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    SignUrl(sign_url::Args),
}

impl Command {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::SignUrl(args) => sign_url::run(context, args).await,
        }
    }
}
