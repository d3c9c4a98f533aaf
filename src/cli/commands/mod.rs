//! The commands: the new tree's leaves. Old spellings translate into them.

pub(super) mod account;
pub(super) mod did;
pub(super) mod download;
pub(super) mod ping;
pub(super) mod replica;
pub(super) mod rse;
pub(super) mod rule;
pub(super) mod scope;
pub(super) mod whoami;

use clap::Subcommand;

use super::context::Context;
use crate::error::Result;

/// The commands of the new tree.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show accounts: what they use and may use
    #[command(subcommand)]
    Account(account::Command),
    /// Find, show and change DIDs: files, datasets, containers
    #[command(subcommand)]
    Did(did::Command),
    Download(Box<download::Args>),
    Ping(ping::Args),
    /// Show where files and datasets are
    #[command(subcommand)]
    Replica(replica::Command),
    /// Show RSEs (storage elements) and their attributes
    #[command(subcommand)]
    Rse(rse::Command),
    /// Make, show and delete replication rules
    #[command(subcommand)]
    Rule(rule::Command),
    /// Show scopes
    #[command(subcommand)]
    Scope(scope::Command),
    Whoami(whoami::Args),
}

impl Command {
    /// Runs the command.
    pub(super) async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::Account(command) => command.run(context).await,
            Self::Did(command) => command.run(context).await,
            Self::Download(args) => download::run(context, *args).await,
            Self::Ping(args) => ping::run(context, args).await,
            Self::Replica(command) => command.run(context).await,
            Self::Rse(command) => command.run(context).await,
            Self::Rule(command) => command.run(context).await,
            Self::Scope(command) => command.run(context).await,
            Self::Whoami(args) => whoami::run(context, args).await,
        }
    }
}
