//! A command line that could not be parsed: `suggestions` improves the message of our parser, `closing` has the last lines,
//! as the parsers of the official client write them (`click`, `argparse`).

mod argparse;
mod click;
mod closing;
mod suggestions;

use std::ffi::OsString;

use clap::Parser;
use clap::error::ErrorKind;

use super::argv::{called_as_admin, hoist_global_options, output_format};
use super::deprecation;
use super::parse::{command_names, command_start, typed_words};
use super::tree::Tree;
use super::trees::{CommandsCli, LEGACY, LegacyCli, admin_words, definition, layout};
use super::ui::Format;
pub(super) use closing::Closing;
use closing::Mistake;
use suggestions::{with_all_names, with_right_order};

/// A command line that could not be parsed, or a request for help or the version.
#[derive(Debug)]
pub(crate) struct UsageError {
    pub error: clap::Error,
    pub tree: Tree,
    /// Whether the mistake is after the command's name.
    pub in_leaf: bool,
    /// Output format that the command line asks for.
    pub format: Format,
    /// How the official client ends its message.
    pub closing: Closing,
    /// What the official client says before it parses the command line.
    pub notice: Option<String>,
}

impl UsageError {
    /// Adds to an error of clap what is needed to report it. `command` is the index of the first command.
    pub(super) fn new(error: clap::Error, words: &[OsString], tree: Tree, command: Option<usize>) -> Self {
        let error = if is_help(&error) {
            with_layout(error, words, tree, command)
        } else {
            with_right_order(with_all_names(error, words, tree), words, command, tree)
        };
        let in_leaf = command.is_some_and(|at| parses_before(words, at, tree));
        let typed = typed_words(words);
        let is_before_parsing = tree == Tree::Admin || words.iter().any(|word| word == LEGACY);
        let notice = deprecation::notice(tree, &typed).filter(|_| is_before_parsing);
        let mut closing = Closing::default();
        if error.use_stderr() {
            let mut definition = definition(tree);
            definition.build();
            let start = command.and_then(|at| command_start(words, at)).unwrap_or(words.len());
            let names = if in_leaf { command_names(&definition, &words[start..]) } else { Vec::new() };
            let command = names.iter().fold(&definition, |group, name| group.find_subcommand(name).unwrap_or(group));
            let program = if tree == Tree::Admin { "rucio-admin" } else { "rucio" };
            let name = [&[program.to_owned()], names.as_slice()].concat().join(" ");
            closing = Mistake { error: &error, command, name: &name, tree, in_leaf, words: &typed }.closing();
        }
        Self { error, tree, in_leaf, format: output_format(words), closing, notice }
    }
}

fn is_help(error: &clap::Error) -> bool {
    matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand)
}

/// Renders help again, in the layout of the official client. Only help needs it, so the parser is built without.
fn with_layout(help: clap::Error, words: &[OsString], tree: Tree, command: Option<usize>) -> clap::Error {
    let mut definition = layout(definition(tree));
    let words = match (tree, command) {
        (Tree::Admin, _) => {
            definition = definition.bin_name(if called_as_admin(words) { "rucio-admin" } else { "rucio admin" });
            admin_words(words, command)
        }
        (Tree::Commands, Some(at)) => hoist_global_options(&definition, words, at).0,
        _ => words.to_vec(),
    };
    definition.try_get_matches_from(words).err().unwrap_or(help)
}

/// Whether the words before the command can be parsed, so that the mistake must be after it.
fn parses_before(words: &[OsString], at: usize, tree: Tree) -> bool {
    let before = words[..at].iter().cloned().chain([OsString::from("ping")]);
    match tree {
        Tree::Commands => CommandsCli::try_parse_from(before).is_ok(),
        Tree::Legacy | Tree::Admin => LegacyCli::try_parse_from(before).is_ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::parse::parse;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn dispatch_errors_have_the_requested_format() {
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
    fn dispatch_finds_errors_before_or_after_the_command() {
        for (line, in_leaf) in [("rucio --nope whoami", false), ("rucio whoami --nope", true)] {
            assert_eq!(parse(words(line)).unwrap_err().in_leaf, in_leaf, "{line}");
        }
    }
}
