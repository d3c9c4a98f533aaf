//! Which tree a command line belongs to, and running it there.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};

use super::commands::Command as NewCommand;
use super::context::Context;
use super::global::Global;
use super::legacy::Command as OldCommand;
use super::tree::Tree;
use crate::error::{Error, Result};
use crate::http::RUCIO_VERSION;

/// Words that begin a command of the new tree.
const NEW_COMMANDS: [&str; 10] =
    ["account", "did", "download", "ping", "replica", "rse", "rule", "scope", "whoami", "help"];

/// The client of the Rucio data management system
#[derive(Debug, Parser)]
#[command(name = "rucio", version = RUCIO_VERSION, subcommand_required = true, arg_required_else_help = true)]
struct NewTree {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: NewCommand,
}

/// The client of the Rucio data management system, by its old command names
#[derive(Debug, Parser)]
#[command(name = "rucio", version = RUCIO_VERSION, subcommand_required = true, arg_required_else_help = true)]
#[command(infer_long_args = true)]
#[command(mut_arg("auth_strategy", |strategy| strategy.value_parser(clap::value_parser!(String))))]
struct OldTree {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: OldCommand,
}

/// A command line that was understood.
#[derive(Debug)]
pub(crate) struct Invocation {
    call: Call,
    /// What the server's log shows as the command.
    pub script: String,
    /// Whether the old tree was asked for by name.
    legacy: bool,
}

#[derive(Debug)]
enum Call {
    New(NewTree),
    Old(OldTree),
}

/// A command line that was not understood, or that asked for help.
#[derive(Debug)]
pub(crate) struct Refused {
    pub error: clap::Error,
    pub tree: Tree,
    /// Whether the fault lies behind the command's name.
    pub in_leaf: bool,
}

impl Invocation {
    pub(crate) fn global(&self) -> &Global {
        match &self.call {
            Call::New(tree) => &tree.global,
            Call::Old(tree) => &tree.global,
        }
    }

    pub(crate) fn tree(&self) -> Tree {
        match self.call {
            Call::New(_) => Tree::New,
            Call::Old(_) => Tree::Old,
        }
    }
}

/// Understands a command line. Builds only the tree it belongs to.
pub(crate) fn parse(mut words: Vec<OsString>) -> Result<Invocation, Refused> {
    let legacy = words.iter().position(|word| word == "--legacy").map(|at| words.remove(at)).is_some();
    let command = first_command(&words).map(|at| (at, words[at].to_string_lossy().into_owned()));
    let is_new = command.as_ref().is_none_or(|(_, name)| NEW_COMMANDS.contains(&name.as_str()));
    let tree = if is_new && !legacy { Tree::New } else { Tree::Old };
    let words: Vec<_> = words.into_iter().map(|word| with_two_dashes(word, tree)).collect();
    let call = match tree {
        Tree::New => NewTree::try_parse_from(&words).map(Call::New),
        Tree::Old => OldTree::try_parse_from(&words).and_then(without_mistake).map(Call::Old),
    };
    let script = words
        .iter()
        .skip(1)
        .take(1)
        .fold("rucio".to_owned(), |script, word| format!("{script}::{}", word.to_string_lossy()));
    let in_leaf = command.is_some_and(|(at, _)| understand_before(&words, at, tree));
    call.map(|call| Invocation { call, script, legacy }).map_err(|error| Refused { error, tree, in_leaf })
}

/// Whether the words before the command are fine, so that a fault must lie behind it.
fn understand_before(words: &[OsString], at: usize, tree: Tree) -> bool {
    let before = words[..at].iter().cloned().chain([OsString::from("ping")]);
    match tree {
        Tree::New => NewTree::try_parse_from(before).is_ok(),
        Tree::Old => OldTree::try_parse_from(before).is_ok(),
    }
}

/// Where the command stands: the first word that is neither an option nor the value of one.
fn first_command(words: &[OsString]) -> Option<usize> {
    let mut at = 1;
    while let Some(word) = words.get(at).map(|word| word.to_string_lossy().into_owned()) {
        match word.strip_prefix('-') {
            None => return Some(at),
            Some(_) if takes_next_word(&word) => at += 2,
            Some(_) => at += 1,
        }
    }
    None
}

/// Whether a global option stands here whose value is the next word. Old options may be shortened.
fn takes_next_word(word: &str) -> bool {
    const WITH_VALUE: [&str; 19] = [
        "account",
        "issuer",
        "auth-host",
        "auth-strategy",
        "ca-certificate",
        "certificate",
        "client-key",
        "config",
        "hostname",
        "host",
        "oidc-audience",
        "oidc-issuer",
        "oidc-refresh-lifetime",
        "oidc-scope",
        "timeout",
        "user-agent",
        "user",
        "password",
        "vo",
    ];
    const SHORT_WITH_VALUE: [char; 6] = ['a', 'H', 'S', 'T', 'U', 'u'];
    if word == "-pwd" {
        return true;
    }
    match word.strip_prefix("--") {
        Some(name) => !name.contains('=') && WITH_VALUE.iter().any(|long| !name.is_empty() && long.starts_with(name)),
        None => {
            let mut letters = word.chars().skip(1).skip_while(|letter| !SHORT_WITH_VALUE.contains(letter));
            letters.next().is_some() && letters.next().is_none()
        }
    }
}

/// The official client has two long options with one dash: `-pwd` before the command, and `-to` of `did content add`.
fn with_two_dashes(word: OsString, tree: Tree) -> OsString {
    let text = word.to_str().unwrap_or_default();
    let (long, rest) = match (text.strip_prefix("-pwd"), text.strip_prefix("-to")) {
        (Some(rest), _) => ("--password", rest),
        (None, Some(rest)) if tree == Tree::New && (rest.is_empty() || rest.starts_with('=')) => ("--to-did", rest),
        _ => return word,
    };
    match rest.trim_start_matches('=') {
        "" => long.into(),
        value => format!("{long}={value}").into(),
    }
}

fn without_mistake(tree: OldTree) -> Result<OldTree, clap::Error> {
    match tree.command.mistake() {
        Some(mistake) => Err(OldTree::command().error(ErrorKind::ValueValidation, mistake)),
        None => Ok(tree),
    }
}

/// Runs what was called to its end. One thread waits for the network, also for downloads: with several, half the time
/// of a download goes into waking each other up. Disk and checksums have threads of their own.
pub(crate) fn run(context: &Context, invocation: Invocation) -> Result<()> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().build().map_err(|error| Error::io("Cannot start", error))?;
    if invocation.legacy {
        tracing::warn!("Rucio is going to retire the old command names; rucio --help shows the new ones.");
    }
    let outcome = runtime.block_on(async {
        match invocation.call {
            Call::New(tree) => tree.command.run(context).await,
            Call::Old(tree) => tree.command.run(context).await,
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
        parse(words(line)).ok().map(|invocation| invocation.tree())
    }

    #[test]
    fn the_first_word_that_is_no_value_picks_the_tree() {
        let cases = [
            ("rucio whoami", Tree::New),
            ("rucio -a=jdoe -S=OIDC -v whoami", Tree::New),
            ("rucio --account rule list-rses", Tree::Old),
            ("rucio list-rules --account rule", Tree::Old),
            ("rucio -vH https://h whoami", Tree::New),
            ("rucio --legacy whoami", Tree::Old),
            ("rucio -pwd secret list-rses", Tree::Old),
            ("rucio --auth-st userpass list-dids user.jdoe:*", Tree::Old),
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

    #[test]
    fn long_options_with_one_dash_are_understood() {
        let two = |word: &str| with_two_dashes(word.into(), Tree::New);
        assert_eq!(two("-pwd"), "--password");
        assert_eq!(two("-pwd=x"), "--password=x");
        assert_eq!(two("-to"), "--to-did");
        assert_eq!(two("-tox"), "-tox");
        assert_eq!(with_two_dashes("-to".into(), Tree::Old), "-to");
    }
}
