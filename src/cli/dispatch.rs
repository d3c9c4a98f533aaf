//! Selects the tree of a command line (commands, legacy or admin), parses it and runs it.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, FromArgMatches, Parser};

use super::argv::{called_as_admin, first_command, normalize_long_option, output_format};
use super::commands::{self, Command as NewCommand};
use super::context::{Context, ContextOptions};
use super::global::Global;
use super::legacy::Command as OldCommand;
use super::legacy::admin::{self, Command as AdminCommand};
use super::multi_host::{self, ConfiguredServer};
use super::policy;
use super::terminal;
use super::tree::Tree;
use super::ui::Format;
use crate::config::Overrides;
use crate::error::{Error, Result};
use crate::http::RUCIO_VERSION;

/// Top-level commands of the new tree that a site cannot disable; [`policy::GROUPS`] has the others.
const COMMAND_NAMES: [&str; 15] = [
    "api",
    "auth",
    "cat",
    "checksum",
    "completion",
    "credential",
    "doctor",
    "help",
    "login",
    "logout",
    "ping",
    "session",
    "token",
    "verify",
    "whoami",
];
/// Help text about the legacy and admin commands.
const OTHER_TREES_HELP: &str = "\
The old names of commands (list-dids, add-rule, ...) work as ever: rucio --legacy --help lists them.
Those of administrators: rucio admin --help, or rucio-admin --help.";
/// The option that selects the legacy commands.
const LEGACY: &str = "--legacy";
/// The command that selects the admin tree, unless the program runs as `rucio-admin`.
const ADMIN: &str = "admin";

fn is_command_name(name: &str) -> bool {
    policy::GROUPS.contains(&name) || COMMAND_NAMES.contains(&name)
}

/// Client for the Rucio data management system
#[derive(Debug, Parser)]
#[command(name = "rucio", version = RUCIO_VERSION, subcommand_required = true, arg_required_else_help = true)]
#[command(args_override_self = true, after_help = OTHER_TREES_HELP)]
struct CommandsCli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: NewCommand,
}

/// Client for the Rucio data management system (legacy commands)
#[derive(Debug, Parser)]
#[command(name = "rucio", version = RUCIO_VERSION, subcommand_required = true, arg_required_else_help = true)]
#[command(infer_long_args = true, args_override_self = true)]
#[command(mut_arg("auth_strategy", |strategy| strategy.value_parser(clap::value_parser!(String))))]
struct LegacyCli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: OldCommand,
}

/// Client for the Rucio data management system (administration)
#[derive(Debug, Parser)]
#[command(name = "rucio-admin", version = RUCIO_VERSION, subcommand_required = true, arg_required_else_help = true)]
#[command(infer_long_args = true, args_override_self = true)]
#[command(mut_arg("auth_strategy", |strategy| strategy.value_parser(clap::value_parser!(String))))]
struct AdminCli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: AdminCommand,
}

/// A parsed command line.
#[derive(Debug)]
pub(crate) struct Invocation {
    call: Call,
    /// Command name for the server's log, sent as `X-Rucio-Script`.
    script: String,
    /// The words from the command on, with its arguments: `["rse", "list", "--csv"]`.
    path: Vec<String>,
}

#[derive(Debug)]
enum Call {
    Commands(CommandsCli),
    Legacy(LegacyCli),
    Admin(AdminCli),
}

/// A command line that could not be parsed, or a request for help or the version.
#[derive(Debug)]
pub(crate) struct UsageError {
    pub error: clap::Error,
    pub tree: Tree,
    /// Whether the mistake is after the command's name.
    pub in_leaf: bool,
    /// Output format that the command line asks for.
    pub format: Format,
}

impl Invocation {
    /// Returns the options that the context of the command needs.
    pub(crate) fn context_options(&self) -> ContextOptions<'_> {
        ContextOptions {
            global: self.global(),
            tree: self.tree(),
            is_extension: self.is_extension(),
            script: &self.script,
        }
    }

    fn global(&self) -> &Global {
        match &self.call {
            Call::Commands(tree) => &tree.global,
            Call::Legacy(tree) => &tree.global,
            Call::Admin(tree) => &tree.global,
        }
    }

    fn tree(&self) -> Tree {
        match self.call {
            Call::Commands(_) => Tree::Commands,
            Call::Legacy(_) => Tree::Legacy,
            Call::Admin(_) => Tree::Admin,
        }
    }

    /// Whether the command needs a configured server and fails without one.
    fn needs_server(&self) -> bool {
        !matches!(&self.call, Call::Commands(tree) if match &tree.command {
            NewCommand::Checksum(_) | NewCommand::Completion(_) | NewCommand::Doctor(_) => true,
            NewCommand::Login(args) => args.setup,
            _ => false,
        })
    }

    /// Whether the command handles Ctrl-C itself.
    fn handles_interrupt(&self) -> bool {
        match &self.call {
            Call::Commands(tree) => matches!(tree.command, NewCommand::Download(_)),
            Call::Legacy(tree) => matches!(tree.command, OldCommand::Download(_)),
            Call::Admin(_) => false,
        }
    }

    /// Whether the official client lacks the command.
    fn is_extension(&self) -> bool {
        matches!(&self.call, Call::Commands(tree) if tree.command.is_extension())
    }

    /// Returns the names of the groups and the command, without arguments.
    fn command_path(&self) -> Vec<String> {
        let tree = match self.call {
            Call::Commands(_) => CommandsCli::command(),
            Call::Legacy(_) => LegacyCli::command(),
            Call::Admin(_) => AdminCli::command(),
        };
        let mut below = &tree;
        let is_command = |name: &&String| match below.find_subcommand(name) {
            Some(found) => {
                below = found;
                true
            }
            None => false,
        };
        self.path.iter().take_while(is_command).cloned().collect()
    }
}

/// Returns the clap definitions of the new, the legacy and the admin tree, for reference pages and completion.
pub fn trees() -> [clap::Command; 3] {
    [CommandsCli::command(), LegacyCli::command(), AdminCli::command()]
}

/// Selects the tree of a command by its name.
fn choose_tree(words: &[OsString], name: Option<&str>, legacy: bool) -> Tree {
    match name {
        _ if called_as_admin(words) => Tree::Admin,
        Some(ADMIN) => Tree::Admin,
        _ if legacy => Tree::Legacy,
        Some(name) if !is_command_name(name) => Tree::Legacy,
        _ => Tree::Commands,
    }
}

/// Returns the tree that completes the word after `before`, and the words as that tree's parser expects them.
pub(super) fn tree_to_complete(before: &[OsString], current: &OsString) -> (clap::Command, Vec<OsString>) {
    let command = first_command(before).map(|at| (at, before[at].to_string_lossy().into_owned()));
    let name = command.as_ref().map(|(_, name)| name.as_str());
    let words = before.iter().chain([current]).cloned().collect::<Vec<_>>();
    match choose_tree(before, name, before.iter().any(|word| word == LEGACY)) {
        Tree::Admin => (AdminCli::command(), admin_words(&words, &command)),
        Tree::Legacy => (LegacyCli::command(), words),
        Tree::Commands if name.is_none() && !current.is_empty() => (with_legacy_names(CommandsCli::command()), words),
        Tree::Commands => (CommandsCli::command(), words),
    }
}

/// Adds the legacy commands and `admin` to the new tree. They are many, so they are offered once a letter is typed.
fn with_legacy_names(new: clap::Command) -> clap::Command {
    let old = LegacyCli::command();
    let only_old = |name: &str| !is_command_name(name);
    let names = old.get_subcommands().filter(|command| only_old(command.get_name())).cloned().collect::<Vec<_>>();
    new.subcommands(names).subcommand(clap::Command::new(ADMIN).about("Commands for administrators"))
}

/// Parses the global options before the command; ignores errors in the line.
pub(super) fn global_options(words: &[OsString]) -> Overrides {
    let end = first_command(words).unwrap_or(words.len());
    let words: Vec<_> = words[..end].iter().map(|word| normalize_long_option(word.clone(), Tree::Commands)).collect();
    let matches = Global::augment_args(clap::Command::new("rucio")).ignore_errors(true).try_get_matches_from(words);
    let global = matches.and_then(|matches| Global::from_arg_matches(&matches));
    global.map(|global| global.overrides()).unwrap_or_default()
}

/// Parses a command line. Builds only the tree it belongs to.
pub(crate) fn parse(mut words: Vec<OsString>) -> Result<Invocation, UsageError> {
    let legacy = words.iter().position(|word| word == LEGACY).map(|at| words.remove(at));
    let script = words.get(1).map_or("rucio".to_owned(), |word| format!("rucio::{}", word.to_string_lossy()));
    let is_legacy = legacy.is_some();
    // It is accepted anywhere; the parsers expect it before the command.
    words.splice(1..1, legacy);
    let command = first_command(&words).map(|at| (at, words[at].to_string_lossy().into_owned()));
    let tree = choose_tree(&words, command.as_ref().map(|(_, name)| name.as_str()), is_legacy);
    let words: Vec<_> = words.into_iter().map(|word| normalize_long_option(word, tree)).collect();
    let call = match tree {
        Tree::Commands => CommandsCli::try_parse_from(&words).map(Call::Commands),
        Tree::Legacy => LegacyCli::try_parse_from(&words).and_then(reject_invalid_legacy).map(Call::Legacy),
        Tree::Admin => parse_admin(&words, &command).map(Call::Admin),
    };
    let path =
        command.as_ref().map(|(at, _)| words[*at..].iter().map(|word| word.to_string_lossy().into_owned()).collect());
    let path = path.unwrap_or_default();
    call.map(|call| Invocation { call, script, path }).map_err(|error| UsageError {
        error: with_all_names(error, &words, tree),
        tree,
        in_leaf: command.is_some_and(|(at, _)| parses_before(&words, at, tree)),
        format: output_format(&words),
    })
}

fn parse_admin(words: &[OsString], command: &Option<(usize, String)>) -> Result<AdminCli, clap::Error> {
    let name = if called_as_admin(words) { "rucio-admin" } else { "rucio admin" };
    let matches = AdminCli::command().bin_name(name).try_get_matches_from(admin_words(words, command))?;
    AdminCli::from_arg_matches(&matches)
}

/// Returns the words without `admin`, which only selects the tree.
fn admin_words(words: &[OsString], command: &Option<(usize, String)>) -> Vec<OsString> {
    let chooses = |at: usize| !called_as_admin(words) && command.as_ref().is_some_and(|(place, _)| *place == at);
    words.iter().enumerate().filter(|(at, _)| !chooses(*at)).map(|(_, word)| word.clone()).collect()
}

/// Rebuilds the error of an unknown command, so that clap suggests the nearest name of all trees.
fn with_all_names(error: clap::Error, words: &[OsString], tree: Tree) -> clap::Error {
    match (tree, error.kind()) {
        (Tree::Legacy, ErrorKind::InvalidSubcommand) => LegacyCli::command()
            .subcommands(CommandsCli::command().get_subcommands().filter(|new| is_new_only(new.get_name())).cloned())
            .subcommand(clap::Command::new(ADMIN))
            .try_get_matches_from(words)
            .err()
            .unwrap_or(error),
        _ => error,
    }
}

fn is_new_only(name: &str) -> bool {
    LegacyCli::command().find_subcommand(name).is_none()
}

/// Whether the words before the command can be parsed, so that the mistake must be after it.
fn parses_before(words: &[OsString], at: usize, tree: Tree) -> bool {
    let before = words[..at].iter().cloned().chain([OsString::from("ping")]);
    match tree {
        Tree::Commands => CommandsCli::try_parse_from(before).is_ok(),
        Tree::Legacy | Tree::Admin => LegacyCli::try_parse_from(before).is_ok(),
    }
}

fn reject_invalid_legacy(tree: LegacyCli) -> Result<LegacyCli, clap::Error> {
    match tree.command.mistake() {
        Some(mistake) => Err(LegacyCli::command().error(ErrorKind::ValueValidation, mistake)),
        None => Ok(tree),
    }
}

/// Returns the servers that the configuration runs this command on, if there are several.
pub(super) fn hosts(context: &Context, invocation: &Invocation) -> Result<Vec<ConfiguredServer>> {
    if context.names_config()
        || invocation.global().legacy
        || invocation.tree() == Tree::Admin
        || !invocation.needs_server()
    {
        return Ok(Vec::new());
    }
    // The command itself reports a missing or invalid configuration.
    match context.config() {
        Ok(config) => multi_host::configured_hosts(config, || invocation.command_path()),
        Err(_) => Ok(Vec::new()),
    }
}

/// Runs a parsed command line. One thread does all network I/O, also for downloads: with several, half the time of a
/// download is spent on waking threads. Disk I/O and checksums have threads of their own.
pub(crate) fn run(context: &Context, invocation: Invocation) -> Result<()> {
    if invocation.needs_server() && invocation.tree() != Tree::Admin {
        // The policy restricts the new tree only; an invalid policy makes legacy commands fail, too.
        let command = invocation.path.first().filter(|_| invocation.tree() == Tree::Commands);
        let allowed = policy::allow(context.config()?, command.map_or("", String::as_str));
        allowed.map_err(Error::before_start)?;
    }
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().build().map_err(|error| Error::io("Cannot start", error))?;
    if invocation.global().legacy {
        tracing::warn!("Rucio is going to retire the old command names; rucio --help shows the new ones.");
    }
    let handles_interrupt = invocation.handles_interrupt();
    let command = async {
        match invocation.call {
            Call::Commands(tree) => commands::run(context, tree.command).await,
            Call::Legacy(tree) => tree.command.run(context).await,
            Call::Admin(tree) => admin::run(context, tree.command).await,
        }
    };
    let outcome = runtime.block_on(async {
        tokio::select! {
            outcome = command => outcome,
            () = terminal::interrupted(), if !handles_interrupt => Err(Error::interrupted()),
        }
    });
    runtime.shutdown_background();
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    fn tree(line: &str) -> Option<Tree> {
        Some(parse(words(line)).map_or_else(|usage_error| usage_error.tree, |invocation| invocation.tree()))
    }

    #[test]
    fn the_words_that_begin_new_commands_are_those_of_the_tree() {
        let command = CommandsCli::command();
        let mut names: Vec<_> = command.get_subcommands().map(clap::Command::get_name).chain(["help"]).collect();
        names.sort_unstable();
        let mut known: Vec<_> = policy::GROUPS.into_iter().chain(COMMAND_NAMES).collect();
        known.sort_unstable();
        assert_eq!(names, known);
    }

    #[test]
    fn a_mistyped_command_is_told_the_nearest_of_all_trees() {
        for (line, nearest) in [("rucio rul list", "rule"), ("rucio list-rse", "list-rses"), ("rucio admn", "admin")] {
            let message = parse(words(line)).unwrap_err().error.to_string();
            assert!(message.contains(&format!("'{nearest}'")), "{message}");
        }
    }

    #[test]
    fn mistakes_know_the_format_that_was_asked_for() {
        let cases = [
            ("rucio rse list --nosuch -o json", Format::Json),
            ("rucio --output=jsonl nosuch", Format::Jsonl),
            ("rucio nosuch -ojson", Format::Json),
            ("rucio nosuch --output", Format::Table),
            ("rucio nosuch", Format::Table),
        ];
        for (line, format) in cases {
            assert_eq!(parse(words(line)).unwrap_err().format, format, "{line}");
        }
    }

    #[test]
    fn the_first_word_that_is_no_value_picks_the_tree() {
        let cases = [
            ("rucio admin --help", Tree::Admin),
            ("/usr/bin/rucio-admin rse --help", Tree::Admin),
            ("rucio -o json whoami", Tree::Commands),
            ("rucio whoami", Tree::Commands),
            ("rucio -a=jdoe -S=OIDC -v whoami", Tree::Commands),
            ("rucio --account rule list-rses", Tree::Legacy),
            ("rucio list-rules --account rule", Tree::Legacy),
            ("rucio -vH https://h whoami", Tree::Commands),
            ("rucio --legacy whoami", Tree::Legacy),
            ("rucio -pwd secret list-rses", Tree::Legacy),
            ("rucio --auth-st userpass list-dids user.jdoe:*", Tree::Legacy),
        ];
        for (line, expected) in cases {
            assert_eq!(tree(line), Some(expected), "{line}");
        }
    }

    #[test]
    fn faults_are_found_before_or_behind_the_command() {
        for (line, in_leaf) in [("rucio --nope whoami", false), ("rucio whoami --nope", true)] {
            assert_eq!(parse(words(line)).unwrap_err().in_leaf, in_leaf, "{line}");
        }
    }
}
