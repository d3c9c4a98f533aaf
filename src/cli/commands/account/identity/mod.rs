//! `rucio account identity ...`: commands for the identities that can log in as an account.

pub(crate) mod add;
pub(crate) mod list;
pub(crate) mod remove;

use clap::Subcommand;

use crate::cli::context::Context;
use crate::error::Result;

/// Authentication types, by the server's names.
const TYPES: [&str; 5] = ["X509", "GSS", "USERPASS", "SSH", "OIDC"];

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Add(add::Args),
    List(list::Args),
    Remove(remove::Args),
}

impl Command {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::Add(args) => add::run(context, args).await,
            Self::List(args) => list::run(context, args).await,
            Self::Remove(args) => remove::run(context, args).await,
        }
    }
}
