//! Inspects the words of a command line before clap parses them.

use std::ffi::OsString;
use std::path::Path;

use clap::{Arg, ValueEnum};

use super::commands::help::Topic;
use super::commands::rule::can_be_rule_id;
use super::duration;
use super::global::global_options;
use super::tree::Tree;
use super::ui::Format;

/// The command that shows help.
pub(super) const HELP: &str = "help";

/// Whether the program was started as `rucio-admin`.
pub(super) fn called_as_admin(words: &[OsString]) -> bool {
    words.first().and_then(|name| Path::new(name).file_name()).is_some_and(|name| name == "rucio-admin")
}

/// Finds the output format in a command line that could not be parsed; the default if there is none.
pub(super) fn output_format(words: &[OsString]) -> Format {
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    let behind = |(at, word): (usize, &std::borrow::Cow<'_, str>)| match word.strip_prefix("--output") {
        Some("") => words.get(at + 1).map(ToString::to_string),
        Some(rest) => rest.strip_prefix('=').map(str::to_owned),
        None if word == "-o" => words.get(at + 1).map(ToString::to_string),
        None => word.strip_prefix("-o").map(str::to_owned),
    };
    let format = words.iter().enumerate().find_map(behind);
    format.and_then(|format| Format::from_str(&format, true).ok()).unwrap_or_default()
}

/// Returns the index of the command: the first word that is neither an option nor the value of one.
pub(super) fn first_command(words: &[OsString]) -> Option<usize> {
    let with_value: Vec<_> =
        global_options().get_arguments().filter(|option| option.get_action().takes_values()).collect();
    let mut at = 1;
    while let Some(word) = words.get(at).map(|word| word.to_string_lossy().into_owned()) {
        match word.strip_prefix('-') {
            None => return Some(at),
            Some(_) if takes_next_word(&with_value, &word) => at += 2,
            Some(_) => at += 1,
        }
    }
    None
}

/// Whether the word is a global option that takes the next word as its value. Legacy commands accept abbreviations.
fn takes_next_word(with_value: &[&Arg], word: &str) -> bool {
    if word == "-pwd" {
        return true;
    }
    let named = |option: &Arg, start: &str| {
        let names = option
            .get_long_and_visible_aliases()
            .into_iter()
            .flatten()
            .chain(option.get_all_aliases().into_iter().flatten());
        names.into_iter().any(|long| long.starts_with(start))
    };
    let is_short = |letter: char| with_value.iter().any(|option| option.get_short() == Some(letter));
    match word.strip_prefix("--") {
        Some(name) => !name.is_empty() && !name.contains('=') && with_value.iter().any(|option| named(option, name)),
        None => {
            let mut letters = word.chars().skip(1).skip_while(|letter| !is_short(*letter));
            letters.next().is_some() && letters.next().is_none()
        }
    }
}

/// Moves global options that follow the command in front of it; `command` is its index. Options that the command has
/// itself stay, and so do values, and everything behind `--`. Returns the words and the new index of the command.
pub(super) fn hoist_global_options(tree: &clap::Command, words: &[OsString], command: usize) -> (Vec<OsString>, usize) {
    let mut leaf = tree;
    let mut hoisted = Vec::new();
    let mut left = Vec::new();
    let mut rest = words[command..].iter().peekable();
    while let Some(word) = rest.next() {
        if word == "--" {
            left.push(word.clone());
            left.extend(rest.by_ref().cloned());
            break;
        }
        if let Some(below) = leaf.find_subcommand(word) {
            leaf = below;
        }
        let own = option_of(leaf, word);
        // Without its value it would take the command for it.
        let is_last = rest.peek().is_none();
        let is_complete = |option: &&Arg| !is_last || !takes_next(option, word);
        let of_all =
            || option_of(global_options(), word).filter(|option| !has_namesake(leaf, option)).filter(is_complete);
        let (option, target) = match own.or_else(of_all) {
            Some(option) if own.is_none() => (Some(option), &mut hoisted),
            option => (option, &mut left),
        };
        target.push(word.clone());
        if option.is_some_and(|option| takes_next(option, word)) {
            target.extend(rest.next().cloned());
        }
    }
    let command_at = command + hoisted.len();
    (words[..command].iter().cloned().chain(hoisted).chain(left).collect(), command_at)
}

/// Whether the command has an option of its own with the long name of this one: then `-a` would be taken for the
/// command's `--account`.
fn has_namesake(command: &clap::Command, option: &Arg) -> bool {
    option.get_long().is_some_and(|long| command.get_arguments().any(|own| own.get_long() == Some(long)))
}

/// Returns the option of a command that the word names: `--long`, `--long=value`, `-s` or `-svalue`.
fn option_of<'a>(command: &'a clap::Command, word: &OsString) -> Option<&'a Arg> {
    let word = word.to_str()?;
    if let Some(long) = word.strip_prefix("--") {
        let name = long.split('=').next().filter(|name| !name.is_empty())?;
        let is_named = |option: &&Arg| {
            option.get_long() == Some(name) || option.get_all_aliases().is_some_and(|all| all.contains(&name))
        };
        return command.get_arguments().find(is_named);
    }
    let letter = word.strip_prefix('-')?.chars().next()?;
    let option = command.get_arguments().find(|option| {
        option.get_short() == Some(letter) || option.get_all_short_aliases().is_some_and(|all| all.contains(&letter))
    })?;
    // Several flags in one word stay where they are.
    (option.get_action().takes_values() || word.len() == 2).then_some(option)
}

/// Whether the value of this option is the next word.
fn takes_next(option: &Arg, word: &OsString) -> bool {
    let needs_value =
        option.get_action().takes_values() && option.get_num_args().is_none_or(|number| number.min_values() > 0);
    let text = word.to_string_lossy();
    needs_value && if text.starts_with("--") { !text.contains('=') } else { text.len() == 2 }
}

/// Rewrites the two long options that have one dash in the official client: `-pwd`, and `-to` of `did content add`.
pub(super) fn normalize_long_option(word: OsString, tree: Tree) -> OsString {
    let text = word.to_str().unwrap_or_default();
    let (long, rest) = match (text.strip_prefix("-pwd"), text.strip_prefix("-to")) {
        (Some(rest), _) => ("--password", rest),
        (None, Some(rest)) if tree == Tree::Commands && (rest.is_empty() || rest.starts_with('=')) => {
            ("--to-did", rest)
        }
        _ => return word,
    };
    match rest.trim_start_matches('=') {
        "" => long.into(),
        value => format!("{long}={value}").into(),
    }
}

/// Rewrites `help COMMAND` as `COMMAND --help`, unless it names a topic.
pub(super) fn with_help_option(mut words: Vec<OsString>) -> Vec<OsString> {
    if !words.iter().any(|word| word == HELP) {
        return words;
    }
    let Some(at) = first_command(&words).filter(|at| words[*at] == HELP) else { return words };
    let next = words.get(at + 1).and_then(|word| word.to_str());
    let is_of_help = next.is_some_and(|word| Topic::by_name(word).is_some() || ["-h", "--help"].contains(&word));
    if !is_of_help {
        words.remove(at);
        words.push("--help".into());
    }
    words
}

/// Rewrites `--watch 10` as `--watch=10`. Its value may be left out, so the parser must not take the rule ID after it.
pub(super) fn join_watch_interval(words: Vec<OsString>) -> Vec<OsString> {
    let mut joined: Vec<OsString> = Vec::with_capacity(words.len());
    for word in words {
        let text = word.to_str().unwrap_or_default();
        match joined.last_mut() {
            Some(last) if last == "--watch" && !can_be_rule_id(text) && duration::parse(text).is_ok() => {
                *last = format!("--watch={text}").into();
            }
            _ => joined.push(word),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(line: &str, rewrite: fn(Vec<OsString>) -> Vec<OsString>) -> String {
        let words = rewrite(line.split(' ').map(OsString::from).collect());
        words.join(std::ffi::OsStr::new(" ")).to_string_lossy().into_owned()
    }

    #[test]
    fn help_of_a_command_is_its_option() {
        for (line, expected) in [
            ("rucio help", "rucio --help"),
            ("rucio -v help rule add", "rucio -v rule add --help"),
            ("rucio help filters", "rucio help filters"),
            ("rucio help --help", "rucio help --help"),
            ("rucio rule help add", "rucio rule help add"),
        ] {
            assert_eq!(rewritten(line, with_help_option), expected);
        }
    }

    #[test]
    fn watch_interval_differs_from_a_rule_id() {
        for (line, expected) in [
            ("rule show --watch 10 abc", "rule show --watch=10 abc"),
            ("rule show --watch 1.5m abc", "rule show --watch=1.5m abc"),
            ("rule show --watch 1h30m10s abc", "rule show --watch=1h30m10s abc"),
            ("rule show --watch 123456", "rule show --watch 123456"),
            ("rule show --watch 1234567d", "rule show --watch 1234567d"),
            (
                "rule show --watch 0123456789abcdef0123456789abcdef",
                "rule show --watch 0123456789abcdef0123456789abcdef",
            ),
            (
                "rule show --watch 01234567890123456789012345678901",
                "rule show --watch 01234567890123456789012345678901",
            ),
            ("rule list --account jdoe --watch", "rule list --account jdoe --watch"),
        ] {
            assert_eq!(rewritten(line, join_watch_interval), expected);
        }
    }

    #[test]
    fn global_options_behind_the_command_are_moved_to_its_front() {
        let tree = crate::cli::trees::definition(Tree::Commands);
        for (line, expected) in [
            ("rucio whoami -v --profile prod", "rucio -v --profile prod whoami"),
            ("rucio rse list --rses -H https://h", "rucio rse list --rses -H https://h"),
            ("rucio rse list -Hhttps://h --rses x", "rucio -Hhttps://h rse list --rses x"),
            (
                "rucio -v rse --host=https://h show X --certificate c.pem",
                "rucio -v --host=https://h --certificate c.pem rse show X",
            ),
            ("rucio rule list --account kim --user kim", "rucio --user kim rule list --account kim"),
            ("rucio scope update s -a kim", "rucio scope update s -a kim"),
            ("rucio cat s:n -- --profile", "rucio cat s:n -- --profile"),
            ("rucio rse list --nosuch -vq", "rucio rse list --nosuch -vq"),
            ("rucio whoami -v --profile", "rucio -v whoami --profile"),
        ] {
            let words: Vec<_> = line.split(' ').map(OsString::from).collect();
            let command = first_command(&words).unwrap();
            let (moved, at) = hoist_global_options(&tree, &words, command);
            assert_eq!(moved.join(std::ffi::OsStr::new(" ")), expected);
            assert_eq!(moved[at], words[command], "{line}");
        }
    }

    #[test]
    fn long_options_may_have_one_dash() {
        let two = |word: &str| normalize_long_option(word.into(), Tree::Commands);
        assert_eq!(two("-pwd"), "--password");
        assert_eq!(two("-pwd=x"), "--password=x");
        assert_eq!(two("-to"), "--to-did");
        assert_eq!(two("-tox"), "-tox");
        assert_eq!(normalize_long_option("-to".into(), Tree::Legacy), "-to");
    }
}
