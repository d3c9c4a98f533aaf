//! `rucio rse qos ...`: quality-of-service (QoS) policies of an RSE.
//!
//! The requests are in `api::rses::qos`.

pub(crate) mod add;
pub(crate) mod list;
pub(crate) mod remove;

use clap::Subcommand;

use crate::cli::context::Context;
use crate::error::Result;

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
