//! The last lines of argparse, which parses the legacy and admin commands.

use clap::error::{ContextKind, ErrorKind};
use clap::{Arg, Command};

use super::closing::{Closing, Mistake, value_type};
use crate::cli::tree::Tree;
use crate::cli::ui::values::str_repr;

/// Arguments whose names in the messages of argparse are not those of the current commands.
const NAMES: [(&str, &str); 8] = [
    ("account_name", "account"),
    ("destination_rse", "destination"),
    ("did_pattern", "did"),
    ("file_paths", "args"),
    ("rse_name", "rse"),
    ("rule_id_dids", "rule_id"),
    ("source_rse", "source"),
    ("words", "dids, copies, rse_expression"),
];
/// Options that argparse names first, as they were defined first.
const FIRST: [&str; 3] = ["--account", "--section", "--option"];

impl Mistake<'_> {
    pub(super) fn argparse(&self) -> Closing {
        let is_unknown_command = self.error.kind() == ErrorKind::InvalidSubcommand;
        let is_before = !self.in_leaf && self.error.kind() != ErrorKind::UnknownArgument;
        if self.tree == Tree::Legacy && (is_unknown_command || is_before) {
            let words = python_list(self.words);
            return Closing { plain: Vec::new(), logged: Some(format!("Invalid argument(s) - {words} ")) };
        }
        let missing = self.missing();
        let missing = if missing.is_empty() { self.absent_options() } else { missing };
        // Words that nothing takes are found by the parser of the whole command line, once nothing is missing.
        let program = if self.error.kind() == ErrorKind::UnknownArgument && missing.is_empty() {
            self.name.split(' ').next().unwrap_or_default()
        } else {
            self.name
        };
        let message = match missing.as_slice() {
            [] => self.argparse_message(),
            missing => {
                let mut names: Vec<_> = missing.iter().map(|argument| argparse_name(argument)).collect();
                if self.name == "rucio list-account-usage" {
                    names = vec!["usage_account".to_owned()];
                }
                names.sort_by_key(|name| FIRST.iter().position(|first| first == name).unwrap_or(FIRST.len()));
                Some(format!("the following arguments are required: {}", names.join(", ")))
            }
        };
        Closing {
            plain: message.map(|message| format!("{program}: error: {message}")).into_iter().collect(),
            logged: None,
        }
    }

    /// Returns the required options that were not typed, if a word is left over: argparse reports them first.
    fn absent_options(&self) -> Vec<&Arg> {
        if self.error.kind() != ErrorKind::UnknownArgument || !self.in_leaf {
            return Vec::new();
        }
        let is_typed = |argument: &Arg| {
            let long = argument.get_long_and_visible_aliases().unwrap_or_default();
            self.words.iter().any(|word| {
                let name = word.split('=').next().unwrap_or_default();
                name.strip_prefix("--").is_some_and(|name| long.iter().any(|long| long.starts_with(name)))
                    || argument.get_short().is_some_and(|short| name.starts_with(&format!("-{short}")))
            })
        };
        let options = self.command.get_arguments().filter(|argument| argument.get_long().is_some());
        options.filter(|argument| argument.is_required_set() && !is_typed(argument)).collect()
    }

    fn argparse_message(&self) -> Option<String> {
        let group = || format!("{}_subcommand", self.name.rsplit(' ').next().unwrap_or_default());
        let value = || self.context(ContextKind::InvalidValue);
        let name = || self.invalid_argument().map(argparse_name);
        Some(match self.error.kind() {
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
                format!("the following arguments are required: {}", group())
            }
            ErrorKind::InvalidSubcommand => {
                let names = self.command.get_subcommands().map(Command::get_name).filter(|name| *name != "help");
                let names: Vec<_> = names.map(|name| format!("'{name}'")).collect();
                let word = self.context(ContextKind::InvalidSubcommand)?;
                format!("argument {}: invalid choice: '{word}' (choose from {})", group(), names.join(", "))
            }
            ErrorKind::UnknownArgument => format!("unrecognized arguments: {}", self.context(ContextKind::InvalidArg)?),
            ErrorKind::InvalidValue if value().is_none_or(|value| value.is_empty()) => {
                format!("argument {}: expected one argument", name()?)
            }
            ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => {
                let name = name()?;
                let given = self.number(ContextKind::ActualNumValues).unwrap_or_default();
                match name.split(", ").skip(given).collect::<Vec<_>>().as_slice() {
                    missing if name.contains(", ") && !missing.is_empty() => {
                        format!("the following arguments are required: {}", missing.join(", "))
                    }
                    _ => format!("argument {name}: expected one argument"),
                }
            }
            ErrorKind::InvalidValue => {
                format!("argument {}: invalid choice: '{}' (choose from {})", name()?, value()?, self.choices())
            }
            ErrorKind::ValueValidation => {
                let kind = self.invalid_argument().and_then(argparse_type)?;
                format!("argument {}: invalid {kind} value: '{}'", name()?, value()?)
            }
            ErrorKind::ArgumentConflict => {
                let prior = self.contexts(ContextKind::PriorArg);
                let prior = prior.first().and_then(|shown| self.argument(shown)).map(argparse_name)?;
                format!("argument {}: not allowed with argument {prior}", name()?)
            }
            _ => return None,
        })
    }
}

fn argparse_name(argument: &Arg) -> String {
    let id = argument.get_id().as_str();
    match argument.get_long() {
        Some("duration") => "--expiration-date/--duration".to_owned(),
        Some(long) => format!("--{long}"),
        None => NAMES.iter().find(|(ours, _)| *ours == id).map_or(id, |(_, name)| name).to_owned(),
    }
}

fn argparse_type(argument: &Arg) -> Option<&'static str> {
    let is_json = argument.get_value_names().is_some_and(|names| names.iter().any(|name| name == "JSON"));
    if is_json { Some("loads") } else { value_type(argument, ["int", "float", "bool"]) }
}

/// Writes words as Python prints a list of them, without passwords.
fn python_list(words: &[String]) -> String {
    let is_secret = |at: usize| at > 0 && ["-pwd", "--password"].contains(&words[at - 1].as_str());
    let shown = |(at, word): (usize, &String)| if is_secret(at) { "'[hidden]'".to_owned() } else { str_repr(word) };
    format!("[{}]", words.iter().enumerate().map(shown).collect::<Vec<_>>().join(", "))
}
