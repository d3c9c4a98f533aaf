//! Which tree a command line belongs to, and running it there.

use std::ffi::OsString;

use clap::Parser;

use super::commands::Command as NewCommand;
use super::context::Context;
use super::global::Global;
use super::legacy::Command as OldCommand;
use crate::error::{Error, Result};
use crate::http::RUCIO_VERSION;

/// The two ways to spell commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tree {
    /// `rucio did list`.
    New,
    /// `rucio list-dids`.
    Old,
}

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
}

#[derive(Debug)]
enum Call {
    New(NewTree),
    Old(OldTree),
}

impl Call {
    fn moves_data(&self) -> bool {
        match self {
            Self::New(tree) => matches!(tree.command, NewCommand::Download(_)),
            Self::Old(tree) => tree.command.moves_data(),
        }
    }
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
    let words: Vec<_> = words.into_iter().map(long_password).collect();
    let call = match tree {
        Tree::New => NewTree::try_parse_from(&words).map(Call::New),
        Tree::Old => OldTree::try_parse_from(&words).map(Call::Old),
    };
    let script = words
        .iter()
        .skip(1)
        .take(1)
        .fold("rucio".to_owned(), |script, word| format!("{script}::{}", word.to_string_lossy()));
    let in_leaf = command.is_some_and(|(at, _)| understand_before(&words, at, tree));
    call.map(|call| Invocation { call, script }).map_err(|error| Refused { error, tree, in_leaf })
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

/// The old tree's `-pwd`, a long option with one dash, as `--password`.
fn long_password(word: OsString) -> OsString {
    let rest = word.to_str().and_then(|text| text.strip_prefix("-pwd")).map(|rest| rest.trim_start_matches('='));
    match rest {
        Some("") => "--password".into(),
        Some(value) => format!("--password={value}").into(),
        None => word,
    }
}

/// Runs what was called to its end. A download wants several threads; everything else is quicker to start with one.
pub(crate) fn run(context: &Context, invocation: Invocation) -> Result<()> {
    let mut builder = match &invocation.call {
        call if call.moves_data() => tokio::runtime::Builder::new_multi_thread(),
        _ => tokio::runtime::Builder::new_current_thread(),
    };
    let runtime = builder.enable_all().build().map_err(|error| Error::io("Cannot start", error))?;
    let outcome = runtime.block_on(async {
        match invocation.call {
            Call::New(tree) => tree.command.run(context).await,
            Call::Old(tree) => tree.command.run(context).await,
        }
    });
    runtime.shutdown_background();
    outcome
}
