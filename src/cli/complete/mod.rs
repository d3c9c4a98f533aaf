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

use clap::{Args, Command, FromArgMatches};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};

use super::argv::{first_command, normalize_long_option};
use super::global::Global;
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

/// Returns the candidates for the last word.
fn candidates(words: &[OsString], env: Env) -> Vec<CompletionCandidate> {
    let Some((current, before)) = words.split_last() else { return Vec::new() };
    let (command, words) = tree_to_complete(before, current);
    let catalogue = Arc::new(Catalogue::new(global_options(before), env));
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
        Tree::Commands | Tree::Legacy => (definition(tree), words),
    }
}

/// Adds the legacy commands and `admin` to the new tree. They are many, so they are offered once a letter is typed.
fn with_legacy_names(new: Command) -> Command {
    let legacy = definition(Tree::Legacy);
    let only_legacy = legacy.get_subcommands().filter(|command| !is_command_name(command.get_name()));
    new.subcommands(only_legacy.cloned()).subcommand(Command::new(ADMIN).about("Commands for administrators"))
}

/// Parses the global options before the command; ignores errors in the line.
fn global_options(words: &[OsString]) -> Overrides {
    let end = first_command(words).unwrap_or(words.len());
    let words: Vec<_> = words[..end].iter().map(|word| normalize_long_option(word.clone(), Tree::Commands)).collect();
    let matches = Global::augment_args(Command::new("rucio")).ignore_errors(true).try_get_matches_from(words);
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
