//! Parses a command line: selects its tree, and builds only that one.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{FromArgMatches, Parser, Subcommand};

use super::argv::{
    HELP, called_as_admin, first_command, hoist_global_options, join_watch_interval, normalize_long_option,
    output_format, with_help_option,
};
use super::commands::Command as NewCommand;
use super::context::ContextOptions;
use super::deprecation;
use super::global::Global;
use super::leaf::LeafProperties;
use super::legacy::Command as OldCommand;
use super::legacy::admin::Command as AdminCommand;
use super::list_options;
use super::nearest::nearest;
use super::tree::Tree;
use super::trees::{ADMIN, AdminCli, CommandsCli, LEGACY, LegacyCli, admin_words, choose_tree, definition, layout};
use super::ui::{Format, Selection};
use super::usage::{Closing, Mistake};
use super::value_kind::{GivenValue, given_values};
use crate::hint::shell_word;

/// Maximum number of commands that are suggested for an unknown one.
const MAX_SUGGESTIONS: usize = 3;

/// A parsed command line.
#[derive(Debug)]
pub(crate) struct Invocation {
    pub global: Global,
    pub call: Call,
    pub leaf: LeafProperties,
    /// Rows and fields of lists to print.
    pub selection: Selection,
    /// Names of the groups and the command as they were typed: `["rse", "list"]`.
    pub path: Vec<String>,
    /// Values of the command's arguments that the server knows: RSEs, scopes, DIDs ...
    pub values: Vec<GivenValue>,
    /// What the official client says about this way to call a command.
    pub notice: Option<String>,
    /// Command name for the server's log, sent as `X-Rucio-Script`.
    script: String,
    /// The command line.
    words: Vec<OsString>,
}

/// A command of one of the trees, with its arguments.
#[derive(Debug)]
pub(crate) enum Call {
    Commands(NewCommand),
    Legacy(OldCommand),
    Admin(AdminCommand),
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
    /// How the official client ends its message.
    pub closing: Closing,
    /// What the official client says before it parses the command line.
    pub notice: Option<String>,
}

impl Invocation {
    /// Returns the options that the context of the command needs.
    pub(crate) fn context_options(&self) -> ContextOptions<'_> {
        ContextOptions {
            global: &self.global,
            tree: self.tree(),
            leaf: self.leaf,
            selection: &self.selection,
            script: &self.script,
            words: &self.words,
        }
    }

    pub(crate) fn tree(&self) -> Tree {
        match self.call {
            Call::Commands(_) => Tree::Commands,
            Call::Legacy(_) => Tree::Legacy,
            Call::Admin(_) => Tree::Admin,
        }
    }
}

/// Parses a command line. Builds only the tree it belongs to.
pub(crate) fn parse(mut words: Vec<OsString>) -> Result<Invocation, UsageError> {
    let legacy = words.iter().position(|word| word == LEGACY).map(|at| words.remove(at));
    let script = words.get(1).map_or("rucio".to_owned(), |word| script(&word.to_string_lossy()));
    let is_legacy = legacy.is_some();
    // It is accepted anywhere; the parsers expect it before the command.
    words.splice(1..1, legacy);
    let words = with_help_option(words);
    let command = first_command(&words);
    let tree = choose_tree(&words, command.map(|at| words[at].to_string_lossy()).as_deref(), is_legacy);
    let words: Vec<_> = words.into_iter().map(|word| normalize_long_option(word, tree)).collect();
    let words = join_watch_interval(words);
    parse_in(tree, &words, command, script).map_err(|error| usage_error(error, &words, tree, command))
}

/// Adds to an error of clap what is needed to report it.
fn usage_error(error: clap::Error, words: &[OsString], tree: Tree, command: Option<usize>) -> UsageError {
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
    UsageError { error, tree, in_leaf, format: output_format(words), closing, notice }
}

fn is_help(error: &clap::Error) -> bool {
    matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand)
}

/// Renders help again, in the layout of the official client. Only help needs it, so the parser is built without.
fn with_layout(help: clap::Error, words: &[OsString], tree: Tree, command: Option<usize>) -> clap::Error {
    let mut definition = layout(definition(tree));
    let words = if tree == Tree::Admin {
        definition = definition.bin_name(if called_as_admin(words) { "rucio-admin" } else { "rucio admin" });
        admin_words(words, command)
    } else {
        words.to_vec()
    };
    definition.try_get_matches_from(words).err().unwrap_or(help)
}

/// Returns the words as the official client gets them: without the name of the program and the choice of the tree.
fn typed_words(words: &[OsString]) -> Vec<String> {
    let is_tree = |word: &OsString| word == LEGACY || (word == ADMIN && !called_as_admin(words));
    words[1..].iter().filter(|word| !is_tree(word)).map(|word| word.to_string_lossy().into_owned()).collect()
}

/// Returns the index of the first name of a command: behind `admin`, if that is at `command`.
fn command_start(words: &[OsString], command: usize) -> Option<usize> {
    if words[command] != ADMIN || called_as_admin(words) {
        return Some(command);
    }
    first_command(&words[command..]).map(|at| command + at)
}

/// Returns the name of the command for the server's log: its first word, as officially, but without the value of an
/// option, which may be a password.
fn script(first: &str) -> String {
    let shown = if first.starts_with('-') { first.split('=').next().unwrap_or_default() } else { first };
    format!("rucio::{shown}")
}

/// Parses the words with the parser of a tree. `command` is the index of the first command.
fn parse_in(tree: Tree, words: &[OsString], command: Option<usize>, script: String) -> Result<Invocation, clap::Error> {
    let mut definition = definition(tree);
    let hoisted = command.filter(|_| tree == Tree::Commands).map(|at| hoist_global_options(&definition, words, at));
    let (words, command) = match &hoisted {
        Some((words, at)) => (words.as_slice(), Some(*at)),
        None => (words, command),
    };
    let mut matches = match tree {
        Tree::Admin => {
            let name = if called_as_admin(words) { "rucio-admin" } else { "rucio admin" };
            definition = definition.bin_name(name);
            definition.try_get_matches_from_mut(admin_words(words, command))?
        }
        _ => definition.try_get_matches_from_mut(words)?,
    };
    let leaf = LeafProperties::find(&definition, &matches);
    let values = given_values(&definition, &matches);
    let selection = list_options::selection(&mut definition, &matches)?;
    let start = command.and_then(|at| command_start(words, at));
    let path = start.map_or_else(Vec::new, |at| command_names(&definition, &words[at..]));
    let notice = deprecation::notice(tree, &typed_words(words));
    let (global, call) = match tree {
        Tree::Commands => {
            let parsed = CommandsCli::from_arg_matches_mut(&mut matches)?;
            (parsed.global, Call::Commands(parsed.command))
        }
        Tree::Legacy => {
            let parsed = LegacyCli::from_arg_matches_mut(&mut matches)?;
            if let Some(mistake) = parsed.command.mistake() {
                return Err(definition.error(ErrorKind::ValueValidation, mistake));
            }
            (parsed.global, Call::Legacy(parsed.command))
        }
        Tree::Admin => {
            let parsed = AdminCli::from_arg_matches_mut(&mut matches)?;
            (parsed.global, Call::Admin(parsed.command))
        }
    };
    Ok(Invocation { global, call, leaf, selection, path, values, notice, script, words: words.to_vec() })
}

/// Returns the names of groups and command that the words begin with.
fn command_names(tree: &clap::Command, words: &[OsString]) -> Vec<String> {
    let mut names = Vec::new();
    let mut below = tree;
    for word in words {
        match below.find_subcommand(word) {
            Some(found) => below = found,
            None => break,
        }
        names.push(word.to_string_lossy().into_owned());
    }
    names
}

/// Rebuilds the error of an unknown command, so that clap suggests the nearest name of all trees.
fn with_all_names(error: clap::Error, words: &[OsString], tree: Tree) -> clap::Error {
    if tree != Tree::Legacy || error.kind() != ErrorKind::InvalidSubcommand {
        return error;
    }
    let new = definition(Tree::Commands);
    // clap adds a command `help` to the legacy tree itself.
    let is_old = |name: &str| OldCommand::has_subcommand(name) || name == HELP;
    let only_new = new.get_subcommands().filter(|command| !is_old(command.get_name()));
    let all = definition(Tree::Legacy).subcommands(only_new.cloned()).subcommand(clap::Command::new(ADMIN));
    best_suggestions(all.try_get_matches_from(words).err().unwrap_or(error))
}

/// Reduces the suggestions of an unknown command to the three best, best first.
fn best_suggestions(mut error: clap::Error) -> clap::Error {
    let (Some(ContextValue::String(typed)), Some(ContextValue::Strings(names))) =
        (error.get(ContextKind::InvalidSubcommand), error.get(ContextKind::SuggestedSubcommand))
    else {
        return error;
    };
    let near = nearest(typed, names.iter().map(String::as_str), MAX_SUGGESTIONS);
    let last = names.iter().rev().map(String::as_str).take(MAX_SUGGESTIONS);
    let best: Vec<_> = if near.is_empty() { last.collect() } else { near };
    let best = best.into_iter().map(str::to_owned).collect();
    error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(best));
    error
}

/// Adds the right command line to the error of a legacy command that is followed by a global option.
fn with_right_order(error: clap::Error, words: &[OsString], command: Option<usize>, tree: Tree) -> clap::Error {
    let (Some(at), ErrorKind::UnknownArgument) = (command, error.kind()) else { return error };
    let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg) else { return error };
    let (moved, _) = hoist_global_options(&definition(tree), words, at);
    let is_global = moved[1..]
        .iter()
        .take_while(|word| **word != words[at])
        .any(|word| word.to_string_lossy().split('=').next() == Some(argument));
    // A password is not repeated.
    if !is_global || moved == words || words.iter().any(|word| word.to_string_lossy().starts_with("--pass")) {
        return error;
    }
    let line: Vec<_> = moved[1..].iter().map(|word| shell_word(&word.to_string_lossy()).into_owned()).collect();
    let line = [&["rucio".to_owned()], line.as_slice()].concat().join(" ");
    let tip = format!("{argument} is a global option: {line}");
    let mut corrected = clap::Error::new(ErrorKind::UnknownArgument);
    for (kind, value) in error.context() {
        if matches!(kind, ContextKind::InvalidArg | ContextKind::Usage) {
            corrected.insert(kind, value.clone());
        }
    }
    corrected.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    corrected.with_cmd(&definition(tree))
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

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    fn tree(line: &str) -> Tree {
        parse(words(line)).map_or_else(|usage_error| usage_error.tree, |invocation| invocation.tree())
    }

    #[test]
    fn command_sent_to_the_server_has_no_password() {
        for (first, expected) in [
            ("whoami", "rucio::whoami"),
            ("-v", "rucio::-v"),
            ("--password=secret", "rucio::--password"),
            ("-pwd=secret", "rucio::-pwd"),
        ] {
            assert_eq!(script(first), expected);
        }
    }

    #[test]
    fn leaf_properties_are_those_of_the_command() {
        // Is an extension, handles Ctrl-C, needs a server, moves data.
        let cases = [
            ("rucio rse list", [false, false, true, false]),
            ("rucio token", [true, false, true, false]),
            ("rucio session list", [true, false, false, false]),
            ("rucio session show", [true, false, true, false]),
            ("rucio checksum f", [true, false, false, false]),
            ("rucio completion bash", [false, false, false, false]),
            ("rucio login", [true, false, true, false]),
            ("rucio login --setup", [true, false, false, false]),
            ("rucio download user.jdoe:f", [false, true, true, true]),
            ("rucio get user.jdoe:f", [false, true, true, true]),
            ("rucio upload --rse XRD1 f", [false, false, true, true]),
            ("rucio-admin rse list", [false, false, true, false]),
        ];
        for (line, [is_extension, handles_interrupt, needs_server, is_transfer]) in cases {
            let expected = LeafProperties { is_extension, handles_interrupt, needs_server, is_transfer };
            assert_eq!(parse(words(line)).unwrap().leaf, expected, "{line}");
        }
    }

    #[test]
    fn path_has_the_names_before_the_first_argument() {
        let cases: [(&str, &[&str]); 3] = [
            ("rucio -a jdoe rse attribute list XRD1", &["rse", "attribute", "list"]),
            ("rucio ls user.jdoe:rse", &["ls"]),
            ("rucio rse --quiet list", &["rse", "list"]),
        ];
        for (line, path) in cases {
            assert_eq!(parse(words(line)).unwrap().path, path, "{line}");
        }
    }

    #[test]
    fn dispatch_suggests_the_nearest_command_of_all_trees() {
        for (line, nearest) in [("rucio rul list", "rule"), ("rucio list-rse", "list-rses"), ("rucio admn", "admin")] {
            let message = parse(words(line)).unwrap_err().error.to_string();
            assert!(message.contains(&format!("'{nearest}'")), "{message}");
        }
    }

    #[test]
    fn unknown_command_has_at_most_three_suggestions() {
        for (line, best) in [("rucio lst", "'ls'"), ("rucio list", "'list-"), ("rucio dwonload", "'download'")] {
            let message = parse(words(line)).unwrap_err().error.to_string();
            let tip = message.lines().find(|line| line.contains("tip:")).unwrap_or_default();
            assert!(tip.matches('\'').count() <= 6, "{message}");
            assert_eq!(tip.find(best), tip.find('\''), "{message}");
        }
    }

    #[test]
    fn global_option_behind_a_legacy_command_is_shown_before_it() {
        for (line, tip) in [
            ("rucio list-dids --profile prod user.kim:*", Some("rucio --profile prod list-dids 'user.kim:*'")),
            ("rucio list-rses --certificate=c.pem", Some("rucio '--certificate=c.pem' list-rses")),
            ("rucio list-rses --nosuch", None),
        ] {
            let message = parse(words(line)).unwrap_err().error.to_string();
            let expected = tip.map(|tip| format!("is a global option: {tip}"));
            assert_eq!(message.contains("is a global option"), tip.is_some(), "{message}");
            assert!(expected.is_none_or(|expected| message.contains(&expected)), "{message}");
        }
    }

    #[test]
    fn global_options_may_follow_the_command() {
        let invocation = parse(words("rucio rse list --profile prod -v --rses X -H https://h")).unwrap();
        let global = &invocation.global;
        assert_eq!((global.profile.as_deref(), global.hostname.as_deref()), (Some("prod"), Some("https://h")));
        assert!(global.verbose && invocation.path == ["rse", "list"], "{invocation:?}");
        let invocation = parse(words("rucio rule list --account kim")).unwrap();
        assert_eq!(invocation.global.account, None, "it is the command's own");
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
    fn dispatch_picks_the_tree_by_the_first_word_that_is_no_value() {
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
            assert_eq!(tree(line), expected, "{line}");
        }
    }

    #[test]
    fn dispatch_finds_errors_before_or_after_the_command() {
        for (line, in_leaf) in [("rucio --nope whoami", false), ("rucio whoami --nope", true)] {
            assert_eq!(parse(words(line)).unwrap_err().in_leaf, in_leaf, "{line}");
        }
    }
}
