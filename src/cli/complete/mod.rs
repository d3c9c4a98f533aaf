//! Tab completion, called by the scripts in `completions/`.
//!
//! Commands and options come from the clap definitions. Values (RSEs, scopes, DIDs ...) are requested from the server
//! with the cached token, within a fraction of a second and without prompting: see [`Catalogue`].

mod cache;
mod catalogue;
mod shell;
mod shell_words;

use std::ffi::{OsStr, OsString};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Arg, Command, FromArgMatches};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};

use super::argv::{first_command, hoist_global_options, normalize_long_option};
use super::global::{Global, global_options};
use super::shell::Shell;
use super::tree::Tree;
use super::trees::{ADMIN, LEGACY, admin_words, choose_tree, definition, is_command_name};
use super::value_kind::ValueKind;
use crate::config::Overrides;
use crate::env_vars::{self, Env};
use catalogue::Catalogue;

/// Prints the completions if a shell asks for them (`RUCIO_COMPLETE`), else returns `None`.
pub(super) fn answer(words: &[OsString]) -> Option<ExitCode> {
    let env = Env::process();
    let shell = env.get(env_vars::RUCIO_COMPLETE)?;
    let Some(shell) = Shell::by_name(&shell) else { return Some(ExitCode::FAILURE) };
    let request = shell.read(words);
    let shown = shell.show(&request, candidates(&request.words, env));
    Some(match super::ui::Ui::stdout(super::ui::Format::Table, false).answer(&shown) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    })
}

/// Returns the names of this kind from the completion cache, else from the server if it answers in time.
pub(super) fn known_names(options: Overrides, kind: ValueKind, limit: Duration) -> Vec<String> {
    let found = Catalogue::new(options, Env::process()).with_limit(limit).values(kind, "");
    found.iter().map(|candidate| candidate.get_value().to_string_lossy().into_owned()).collect()
}

/// Returns the candidates for the last word.
fn candidates(words: &[OsString], env: Env) -> Vec<CompletionCandidate> {
    let Some((current, before)) = words.split_last() else { return Vec::new() };
    let (command, words) = tree_to_complete(before, current);
    let catalogue = Arc::new(Catalogue::new(given_options(&command, before), env));
    let mut command = with_values(command, &catalogue);
    let last = words.len() - 1;
    let found = clap_complete::engine::complete(&mut command, words, last, None).unwrap_or_default();
    if !current.is_empty() {
        return found;
    }
    // Options are many; they are offered if nothing else fits, or once a dash is typed.
    let (options, others): (Vec<_>, Vec<_>) = found.into_iter().partition(is_option);
    if others.is_empty() { options } else { others }
}

/// Returns the tree that completes the word after `before`, and the words as that tree's parser expects them.
fn tree_to_complete(before: &[OsString], current: &OsString) -> (Command, Vec<OsString>) {
    let command = first_command(before);
    let name = command.map(|at| before[at].to_string_lossy());
    let tree = choose_tree(before, name.as_deref(), before.iter().any(|word| word == LEGACY));
    let words: Vec<_> = before.iter().chain([current]).cloned().collect();
    match tree {
        Tree::Admin => (definition(tree), admin_words(&words, command)),
        Tree::Commands if command.is_none() && !current.is_empty() => (with_legacy_names(definition(tree)), words),
        Tree::Commands => (with_global_options(definition(tree)), words),
        Tree::Legacy => (definition(tree), words),
    }
}

/// Adds the legacy commands and `admin` to the new tree. They are many, so they are offered once a letter is typed.
fn with_legacy_names(new: Command) -> Command {
    let legacy = definition(Tree::Legacy);
    let only_legacy = legacy.get_subcommands().filter(|command| !is_command_name(command.get_name()));
    new.subcommands(only_legacy.cloned()).subcommand(Command::new(ADMIN).about("Commands for administrators"))
}

/// Adds the global options to all commands that have no option of the same name. They are proposed once a part of the
/// name is typed that no other option has.
fn with_global_options(tree: Command) -> Command {
    let only_before = global_options().get_arguments().filter(|option| !option.is_global_set());
    let options: Vec<_> = only_before.map(|option| option.clone().hide(true)).collect();
    tree.mut_subcommands(|below| with_options(below, &options))
}

fn with_options(command: Command, options: &[Arg]) -> Command {
    let collides = |option: &&Arg| {
        command.get_arguments().any(|own| {
            let is_same = |one: Option<&str>| one.is_some() && one == option.get_long();
            let has_letter = own.get_short().is_some() && own.get_short() == option.get_short();
            own.get_id() == option.get_id() || is_same(own.get_long()) || has_letter
        })
    };
    let missing: Vec<_> = options.iter().filter(|option| !collides(option)).cloned().collect();
    command.args(missing).mut_subcommands(|below| with_options(below, options))
}

/// Parses the global options of the line; ignores errors in it.
fn given_options(tree: &Command, words: &[OsString]) -> Overrides {
    let command = first_command(words);
    let (words, end) = match command {
        Some(at) => hoist_global_options(tree, words, at),
        None => (words.to_vec(), words.len()),
    };
    let words: Vec<_> = words[..end].iter().map(|word| normalize_long_option(word.clone(), Tree::Commands)).collect();
    let matches = global_options().clone().ignore_errors(true).try_get_matches_from(words);
    let global = matches.and_then(|matches| Global::from_arg_matches(&matches));
    global.map(|global| global.overrides()).unwrap_or_default()
}

fn is_option(candidate: &CompletionCandidate) -> bool {
    candidate.get_value().as_encoded_bytes().starts_with(b"-")
}

/// Adds completers for all values that the server or the configuration can list.
fn with_values(command: Command, catalogue: &Arc<Catalogue>) -> Command {
    let command = command.mut_args(|arg| {
        let Some(kind) = arg.get::<ValueKind>().copied() else { return arg };
        let catalogue = Arc::clone(catalogue);
        arg.add(ArgValueCompleter::new(move |current: &OsStr| {
            current.to_str().map(|current| catalogue.values(kind, current)).unwrap_or_default()
        }))
    });
    command.mut_subcommands(|below| with_values(below, catalogue))
}
