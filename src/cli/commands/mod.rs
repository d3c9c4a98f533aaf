//! The commands: the new tree's leaves. Old spellings translate into them.

// rustdoc reads `meta[a]`, `<account>` and a bare URL as mistakes in Markdown; escaped, they would look wrong in the terminal.
#![allow(
    rustdoc::broken_intra_doc_links,
    rustdoc::invalid_html_tags,
    rustdoc::bare_urls,
    reason = "the doc comments of arguments are the help, which is shown as it is written"
)]

pub(super) mod account;
pub(super) mod api;
pub(super) mod auth;
pub(super) mod cat;
pub(super) mod checksum;
pub(super) mod completion;
pub(super) mod config;
pub(super) mod credential;
pub(super) mod data;
pub(super) mod did;
pub(super) mod doctor;
pub(super) mod download;
pub(super) mod lifetime_exception;
pub(super) mod login;
pub(super) mod logout;
pub(super) mod opendata;
pub(super) mod ping;
pub(super) mod replica;
pub(super) mod rse;
pub(super) mod rule;
pub(super) mod scope;
pub(super) mod session;
pub(super) mod subscription;
pub(super) mod token;
pub(super) mod upload;
pub(super) mod verify;
pub(super) mod whoami;

use clap::Subcommand;

use super::context::Context;
use crate::error::Result;

/// The commands of the new tree.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make, show and change accounts: who they are, how they log in, what they may use
    #[command(subcommand)]
    Account(account::Command),
    Api(api::Args),
    /// Ask the server about the token
    #[command(subcommand)]
    Auth(auth::Command),
    Cat(cat::Args),
    Checksum(checksum::Args),
    Completion(completion::Args),
    /// Read and change the configuration of the server
    #[command(subcommand)]
    Config(config::Command),
    /// Get access to single objects in cloud storage
    #[command(subcommand)]
    Credential(credential::Command),
    /// Find, show and change DIDs: files, datasets, containers
    #[command(subcommand)]
    Did(did::Command),
    Doctor(doctor::Args),
    Download(Box<download::WithMore>),
    /// Ask for data to be kept beyond its end of life
    #[command(subcommand)]
    LifetimeException(lifetime_exception::Command),
    Login(login::Args),
    Logout(logout::Args),
    /// Publish DIDs as open data
    #[command(subcommand)]
    Opendata(opendata::Command),
    Ping(ping::Args),
    /// Show where files and datasets are, remove replicas, and change their state
    #[command(subcommand)]
    Replica(replica::Command),
    /// Make, show, change and remove RSEs (storage elements)
    #[command(subcommand)]
    Rse(rse::Command),
    /// Make, show and delete replication rules
    #[command(subcommand)]
    Rule(rule::Command),
    /// Make and show scopes, which every DID begins with
    #[command(subcommand)]
    Scope(scope::Command),
    /// See, list and renew sessions
    #[command(subcommand)]
    Session(session::Command),
    /// Make, show and change subscriptions: rules that are made by themselves
    #[command(subcommand)]
    Subscription(subscription::Command),
    Token(token::Args),
    Upload(Box<upload::Args>),
    Verify(verify::Args),
    Whoami(whoami::Args),
}

impl Command {
    /// Whether the official client lacks it.
    pub(super) fn is_own(&self) -> bool {
        matches!(
            self,
            Self::Api(_)
                | Self::Auth(_)
                | Self::Cat(_)
                | Self::Checksum(_)
                | Self::Credential(_)
                | Self::Doctor(_)
                | Self::Login(_)
                | Self::Logout(_)
                | Self::Session(_)
                | Self::Token(_)
                | Self::Verify(_)
        )
    }

    /// Runs the command.
    pub(super) async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::Account(command) => command.run(context).await,
            Self::Api(args) => api::run(context, args).await,
            Self::Auth(command) => command.run(context).await,
            Self::Cat(args) => cat::run(context, args).await,
            Self::Checksum(args) => checksum::run(context, args).await,
            Self::Completion(args) => completion::run(context, args).await,
            Self::Config(command) => command.run(context).await,
            Self::Credential(command) => command.run(context).await,
            Self::Did(command) => command.run(context).await,
            Self::Doctor(args) => doctor::run(context, args).await,
            Self::Download(all) => download::run(context, all.args, all.more).await,
            Self::LifetimeException(command) => command.run(context).await,
            Self::Login(args) => login::run(context, args).await,
            Self::Logout(args) => logout::run(context, args).await,
            Self::Opendata(command) => command.run(context).await,
            Self::Ping(args) => ping::run(context, args).await,
            Self::Replica(command) => command.run(context).await,
            Self::Rse(command) => command.run(context).await,
            Self::Rule(command) => command.run(context).await,
            Self::Scope(command) => command.run(context).await,
            Self::Session(command) => command.run(context).await,
            Self::Subscription(command) => command.run(context).await,
            Self::Token(args) => token::run(context, args).await,
            Self::Upload(args) => upload::run(context, *args).await,
            Self::Verify(args) => verify::run(context, args).await,
            Self::Whoami(args) => whoami::run(context, args).await,
        }
    }
}
