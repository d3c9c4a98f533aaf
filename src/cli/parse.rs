//! Parses a command line: selects its tree, and builds only that one.

use std::ffi::OsString;

use clap::FromArgMatches;
use clap::error::ErrorKind;

use super::argv::{
    called_as_admin, first_command, hoist_global_options, join_watch_interval, normalize_long_option, with_help_option,
};
use super::commands::Command as NewCommand;
use super::context::ContextOptions;
use super::deprecation;
use super::global::Global;
use super::leaf::LeafProperties;
use super::legacy::Command as OldCommand;
use super::legacy::admin::Command as AdminCommand;
use super::list_options;
use super::tree::Tree;
use super::trees::{ADMIN, AdminCli, CommandsCli, LEGACY, LegacyCli, admin_words, choose_tree, definition};
use super::ui::Selection;
use super::usage_error::UsageError;
use super::value_kind::{GivenValue, given_values};

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
    parse_in(tree, &words, command, script).map_err(|error| UsageError::new(error, &words, tree, command))
}

/// Returns the words as the official client gets them: without the name of the program and the choice of the tree.
pub(super) fn typed_words(words: &[OsString]) -> Vec<String> {
    let is_tree = |word: &OsString| word == LEGACY || (word == ADMIN && !called_as_admin(words));
    words[1..].iter().filter(|word| !is_tree(word)).map(|word| word.to_string_lossy().into_owned()).collect()
}

/// Returns the index of the first name of a command: behind `admin`, if that is at `command`.
pub(super) fn command_start(words: &[OsString], command: usize) -> Option<usize> {
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
pub(super) fn command_names(tree: &clap::Command, words: &[OsString]) -> Vec<String> {
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
    fn global_options_may_follow_the_command() {
        let invocation = parse(words("rucio rse list --profile prod -v --rses X -H https://h")).unwrap();
        let global = &invocation.global;
        assert_eq!((global.profile.as_deref(), global.hostname.as_deref()), (Some("prod"), Some("https://h")));
        assert!(global.verbose && invocation.path == ["rse", "list"], "{invocation:?}");
        let invocation = parse(words("rucio rule list --account kim")).unwrap();
        assert_eq!(invocation.global.account, None, "it is the command's own");
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
}
