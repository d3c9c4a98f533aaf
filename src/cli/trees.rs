//! The parsers of the three command trees, and which of them a command line belongs to.

use std::ffi::OsString;

use clap::{CommandFactory, Parser, Subcommand};

use super::argv::called_as_admin;
use super::commands::Command as NewCommand;
use super::global::Global;
use super::legacy::Command as OldCommand;
use super::legacy::admin::Command as AdminCommand;
use super::list_options;
use super::tree::Tree;
use crate::http::RUCIO_VERSION;

/// Help text about what the list of commands does not tell: which are used together, topics, and the other trees.
const MORE_HELP: &str = "\
By topic:
  start           login, status, whoami, session, logout, doctor, settings
  data            did, download, upload, replica, verify, checksum, cat, partial
  rules           rule, subscription, lifetime-exception
  sites           rse, account, scope
  administration  config, opendata, ping
  scripting       api, token, auth, credential, completion, version, help

Global options: rucio help options (all of them)
Help on RSE expressions, filters, exit codes and more: rucio help --help
Legacy commands (list-dids, add-rule, ...): rucio --legacy --help
Commands for administrators: rucio admin --help, or rucio-admin --help";
/// The option that selects the legacy commands.
pub(super) const LEGACY: &str = "--legacy";
/// The command that selects the admin tree, unless the program runs as `rucio-admin`.
pub(super) const ADMIN: &str = "admin";

/// Client for the Rucio data management system
#[derive(Debug, Parser)]
#[command(name = "rucio", version = RUCIO_VERSION, subcommand_required = true, arg_required_else_help = true)]
#[command(args_override_self = true, disable_help_subcommand = true, after_help = MORE_HELP)]
pub(super) struct CommandsCli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: NewCommand,
}

/// Client for the Rucio data management system (legacy commands)
#[derive(Debug, Parser)]
#[command(name = "rucio", version = RUCIO_VERSION, subcommand_required = true, arg_required_else_help = true)]
#[command(infer_long_args = true, args_override_self = true)]
#[command(mut_arg("auth_strategy", |strategy| strategy.value_parser(clap::value_parser!(String))))]
pub(super) struct LegacyCli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: OldCommand,
}

/// Client for the Rucio data management system (administration)
#[derive(Debug, Parser)]
#[command(name = "rucio-admin", version = RUCIO_VERSION, subcommand_required = true, arg_required_else_help = true)]
#[command(infer_long_args = true, args_override_self = true)]
#[command(mut_arg("auth_strategy", |strategy| strategy.value_parser(clap::value_parser!(String))))]
pub(super) struct AdminCli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: AdminCommand,
}

/// Returns the clap definitions of the new, the legacy and the admin tree, for reference pages and completion.
pub fn trees() -> [clap::Command; 3] {
    [Tree::Commands, Tree::Legacy, Tree::Admin].map(definition)
}

/// Returns the clap definition of a tree.
pub(super) fn definition(tree: Tree) -> clap::Command {
    match tree {
        Tree::Commands => list_options::add(CommandsCli::command().mut_args(only_common_in_help)),
        Tree::Legacy => LegacyCli::command(),
        Tree::Admin => AdminCli::command(),
    }
}

/// Leaves an option out of the help of the program unless it is a common one: `rucio help options` has all.
fn only_common_in_help(option: clap::Arg) -> clap::Arg {
    const COMMON: [&str; 8] = ["account", "config", "hostname", "profile", "verbose", "quiet", "legacy", "output"];
    let is_common = COMMON.contains(&option.get_id().as_str());
    option.hide_short_help(!is_common).hide_long_help(!is_common)
}

/// Sets the order of help texts: usage, text, options, and the commands last, as in the official client. Scripts read the
/// lines below `Commands:`.
pub(super) fn layout(command: clap::Command) -> clap::Command {
    let rest = if command.has_subcommands() {
        "Options:\n{options}{after-help}\n\nCommands:\n{subcommands}"
    } else {
        "{all-args}{after-help}"
    };
    let template = format!("{{usage-heading}} {{usage}}\n\n{{about-with-newline}}\n{rest}");
    command.help_template(template).mut_subcommands(layout)
}

/// Whether the word is the name of a top-level command of the new tree. No tree is built for the answer.
pub(super) fn is_command_name(name: &str) -> bool {
    NewCommand::has_subcommand(name)
}

/// Selects the tree of a command by its name.
pub(super) fn choose_tree(words: &[OsString], name: Option<&str>, legacy: bool) -> Tree {
    match name {
        _ if called_as_admin(words) => Tree::Admin,
        Some(ADMIN) => Tree::Admin,
        _ if legacy => Tree::Legacy,
        Some(name) if !is_command_name(name) => Tree::Legacy,
        _ => Tree::Commands,
    }
}

/// Returns the words for the parser of the admin tree: without `admin`, which only selects the tree. `command` is the
/// index of the first command.
pub(super) fn admin_words(words: &[OsString], command: Option<usize>) -> Vec<OsString> {
    let mut words = words.to_vec();
    if let (false, Some(at)) = (called_as_admin(&words), command) {
        words.remove(at);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_of_the_program_has_only_common_options() {
        let mut definition = definition(Tree::Commands);
        for help in [definition.render_help(), definition.render_long_help()] {
            let help = help.to_string();
            assert!(help.contains("--account") && help.contains("--output"), "{help}");
            assert!(!help.contains("--oidc-scope") && help.contains("rucio help options"), "{help}");
        }
        assert!(definition.get_arguments().any(|option| option.get_id() == "oidc_scope" && !option.is_hide_set()));
    }

    #[test]
    fn help_has_each_command_in_one_topic() {
        let topics = MORE_HELP.lines().skip(1).take_while(|line| line.starts_with("  "));
        let names = topics.filter_map(|line| line.trim().split_once("  ")).flat_map(|(_, names)| names.split(", "));
        let mut listed: Vec<_> = names.map(str::trim).collect();
        listed.sort_unstable();
        let definition = definition(Tree::Commands);
        let mut commands: Vec<_> = definition.get_subcommands().map(clap::Command::get_name).collect();
        commands.sort_unstable();
        assert_eq!(listed, commands);
    }
}
