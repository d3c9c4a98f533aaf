//! The commands of `rucio`, one module per command or group: its arguments with their help, and its output. Legacy
//! spellings are translated into these in `cli::legacy`. REST calls belong in `crate::api`, transfers in
//! `crate::transfer`, and what all commands share in `cli`.

// rustdoc takes `meta[a]`, `<account>` and a bare URL for mistakes in Markdown; escapes would show in the terminal.
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
mod group;
pub(super) mod help;
pub(super) mod lifetime_exception;
pub(super) mod login;
pub(super) mod logout;
pub(super) mod opendata;
pub(super) mod partial;
pub(super) mod ping;
pub(super) mod replica;
pub(super) mod rse;
pub(super) mod rule;
pub(super) mod scope;
pub(super) mod session;
pub(super) mod settings;
pub(super) mod status;
pub(super) mod subscription;
pub(super) mod token;
pub(super) mod upload;
pub(super) mod verify;
pub(super) mod version;
pub(super) mod whoami;

use super::leaf::SiteCanDisable;
pub(super) use group::group;

group! {
    /// Create, show and update accounts, their attributes, identities and limits
    #[command(subcommand, add = SiteCanDisable)]
    Account(account::Command),
    Api(api::Args),
    /// Validate tokens
    #[command(subcommand)]
    Auth(auth::Command),
    Cat(cat::Args),
    Checksum(checksum::Args),
    Completion(completion::Args),
    /// Show and change the server configuration
    #[command(subcommand, add = SiteCanDisable)]
    Config(config::Command),
    /// Sign URLs of objects in cloud storage
    #[command(subcommand)]
    Credential(credential::Command),
    /// Find, create, show and change DIDs (files, datasets, containers)
    #[command(subcommand, add = SiteCanDisable)]
    Did(did::Command),
    Doctor(doctor::Args),
    #[command(add = SiteCanDisable)]
    Download(download::ArgsWithExtraOptions),
    Help(help::Args),
    /// Request exceptions that keep data beyond its end of life
    #[command(subcommand, add = SiteCanDisable)]
    LifetimeException(lifetime_exception::Command),
    Login(login::Args),
    Logout(logout::Args),
    /// Publish DIDs as open data
    #[command(subcommand, add = SiteCanDisable)]
    Opendata(opendata::Command),
    /// List and remove the partial files of unfinished downloads
    #[command(subcommand)]
    Partial(partial::Command),
    Ping(ping::Args),
    /// List replicas of files and datasets, remove them, and change their state
    #[command(subcommand, add = SiteCanDisable)]
    Replica(replica::Command),
    /// Create, show, update and delete RSEs (storage elements)
    #[command(subcommand, add = SiteCanDisable)]
    Rse(rse::Command),
    /// Create, show, update and delete replication rules
    #[command(subcommand, add = SiteCanDisable)]
    Rule(rule::Command),
    /// Create and list scopes, the first part of every DID
    #[command(subcommand, add = SiteCanDisable)]
    Scope(scope::Command),
    /// Show, list and renew sessions
    #[command(subcommand)]
    Session(session::Command),
    /// Show and change the configuration of this client
    #[command(subcommand)]
    Settings(settings::Command),
    Status(status::Args),
    /// Create, show and update subscriptions (automatic replication rules)
    #[command(subcommand, add = SiteCanDisable)]
    Subscription(subscription::Command),
    Token(token::Args),
    #[command(add = SiteCanDisable)]
    Upload(upload::Args),
    Verify(verify::Args),
    Version(version::Args),
    Whoami(whoami::Args),
}
