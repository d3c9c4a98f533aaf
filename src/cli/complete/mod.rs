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

use clap::Command;
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};

use super::dispatch;
use super::shell::Shell;
use super::value_kind::ValueKind;
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
    let (command, words) = dispatch::tree_to_complete(before, current);
    let catalogue = Arc::new(Catalogue::new(dispatch::global_options(before), env));
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
