//! `rucio-admin`, also as `rucio admin`: each command is translated into one of `cli::commands`.
//!
//! Only arguments and their translation belong here, one file or folder per group.

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

/// Command groups of `rucio-admin`.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Command {
    /// Export and import the RSEs and accounts of the catalogue
    #[command(subcommand)]
    Data(data::Command),
    /// Create, show, update and delete accounts
    #[command(subcommand)]
    Account(account::Command),
    /// Add and delete identities of accounts
    #[command(subcommand)]
    Identity(identity::Command),
    /// Create, show, update and delete RSEs
    #[command(subcommand)]
    Rse(rse::Command),
    /// Create and list scopes
    #[command(subcommand)]
    Scope(scope::Command),
    /// Show and update the server configuration
    #[command(subcommand)]
    Config(config::Command),
    /// Create, list and update subscriptions
    #[command(subcommand)]
    Subscription(subscription::Command),
    /// List PFNs; declare replicas bad, unavailable, quarantined or to be deleted
    #[command(subcommand)]
    Replicas(replicas::Command),
}

impl Command {
    /// Runs the corresponding command.
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
