//! What the dispatcher must know about a command, stated on the command itself.
//!
//! A leaf states it on its `Args`, for example `#[command(add = Extension)]`, and thereby for every tree it is part of.
//! Most leaves state nothing: they need a server, exist in the official client too, and are stopped on Ctrl-C.

use clap::builder::CommandExt;
use clap::{ArgMatches, Command};

/// The official client lacks the command.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extension;

/// The command handles Ctrl-C itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HandlesInterrupt;

/// The command moves data. Without bars it logs its progress.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Transfer;

/// The command works without a configured server.
#[derive(Debug, Clone, Copy)]
pub(crate) enum NoServer {
    Always,
    /// With the flag of this name.
    With(&'static str),
}

/// A site can disable the command or group: `[cli] endpoints`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SiteCanDisable;

/// The command prints a list: it has the list options `--columns`, `--sort` and `--limit`, unless it has an option of that
/// name itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PrintsList;

impl CommandExt for Extension {}
impl CommandExt for HandlesInterrupt {}
impl CommandExt for NoServer {}
impl CommandExt for PrintsList {}
impl CommandExt for Transfer {}
impl CommandExt for SiteCanDisable {}

/// What a leaf states about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LeafProperties {
    pub is_extension: bool,
    pub handles_interrupt: bool,
    pub needs_server: bool,
    pub is_transfer: bool,
}

impl LeafProperties {
    /// Returns the properties of the command that a command line gives.
    pub(crate) fn find(tree: &Command, matches: &ArgMatches) -> Self {
        let mut leaf = tree;
        let mut matches = matches;
        while let Some((name, below)) = matches.subcommand() {
            leaf = leaf.find_subcommand(name).unwrap_or(leaf);
            matches = below;
        }
        let needs_server = match leaf.get::<NoServer>() {
            None => true,
            Some(NoServer::Always) => false,
            Some(NoServer::With(flag)) => !matches.get_flag(flag),
        };
        Self {
            is_extension: leaf.get::<Extension>().is_some(),
            handles_interrupt: leaf.get::<HandlesInterrupt>().is_some(),
            needs_server,
            is_transfer: leaf.get::<Transfer>().is_some(),
        }
    }
}
