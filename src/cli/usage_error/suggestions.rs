//! What our parser proposes in place of a mistyped command, or of a global option in the wrong place.

use std::ffi::OsString;

use clap::Subcommand;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::cli::argv::{HELP, hoist_global_options};
use crate::cli::legacy::Command as OldCommand;
use crate::cli::tree::Tree;
use crate::cli::trees::{ADMIN, definition};
use crate::hint::shell_word;
use crate::nearest::nearest;

/// Maximum number of commands that are suggested for an unknown one.
const MAX_SUGGESTIONS: usize = 3;

/// Rebuilds the error of an unknown command, so that clap suggests the nearest name of all trees.
pub(super) fn with_all_names(error: clap::Error, words: &[OsString], tree: Tree) -> clap::Error {
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
pub(super) fn with_right_order(
    error: clap::Error,
    words: &[OsString],
    command: Option<usize>,
    tree: Tree,
) -> clap::Error {
    let (Some(at), ErrorKind::UnknownArgument) = (command, error.kind()) else { return error };
    if tree != Tree::Legacy {
        return error;
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::parse::parse;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
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
}
