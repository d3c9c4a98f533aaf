//! `rucio-admin`, also as `rucio admin`: each command is translated into a leaf of the new tree.

mod account;
mod config;
mod data;
mod identity;
mod replicas;
mod rse;
mod scope;
mod subscription;

use clap::Subcommand;

use crate::cli::context::Context;
use crate::error::Result;

/// The groups of the admin tree.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Command {
    /// Export and import the catalogue of RSEs and accounts
    #[command(subcommand)]
    Data(data::Command),
    /// Make, show, change and delete accounts
    #[command(subcommand)]
    Account(account::Command),
    /// Let identities act as accounts
    #[command(subcommand)]
    Identity(identity::Command),
    /// Make, show, change and delete RSEs
    #[command(subcommand)]
    Rse(rse::Command),
    /// Make and show scopes
    #[command(subcommand)]
    Scope(scope::Command),
    /// Read and change the configuration of the server
    #[command(subcommand)]
    Config(config::Command),
    /// Make, show and change subscriptions
    #[command(subcommand)]
    Subscription(subscription::Command),
    /// Declare replicas bad, unavailable or to be deleted
    #[command(subcommand)]
    Replicas(replicas::Command),
}

impl Command {
    /// Runs the leaf that the command stands for.
    pub(in crate::cli) async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::Data(command) => command.run(context).await,
            Self::Account(command) => command.run(context).await,
            Self::Identity(command) => command.run(context).await,
            Self::Rse(command) => command.run(context).await,
            Self::Scope(command) => command.run(context).await,
            Self::Config(command) => command.run(context).await,
            Self::Subscription(command) => command.run(context).await,
            Self::Replicas(command) => command.run(context).await,
        }
    }
}
