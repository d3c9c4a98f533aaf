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

use crate::cli::commands::group;

group! {
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
