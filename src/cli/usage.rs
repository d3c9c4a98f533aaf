//! The last lines of a usage error, as the parsers of the official client write them: scripts read them.
//!
//! click parses the current commands, argparse the legacy and admin ones. Above these lines is the message of our parser.

use std::any::TypeId;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};

use super::tree::Tree;
use super::ui::values::str_repr;

/// Arguments whose names in the messages of argparse are not those of the current commands.
const ARGPARSE_NAMES: [(&str, &str); 7] = [
    ("account_name", "account"),
    ("destination_rse", "destination"),
    ("did_pattern", "did"),
    ("file_paths", "args"),
    ("rse_name", "rse"),
    ("source_rse", "source"),
    ("words", "dids, copies, rse_expression"),
];
/// Options that argparse names first, as they were defined first.
const FIRST: [&str; 3] = ["--account", "--section", "--option"];

/// What the official client writes about a mistake.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Closing {
    /// Lines without time and level.
    pub(super) plain: Vec<String>,
    /// The message of a log line.
    pub(super) logged: Option<String>,
}

/// A mistake in a command line, with what is needed to word it.
pub(super) struct Mistake<'a> {
    pub(super) error: &'a clap::Error,
    /// The command or group that reports the mistake.
    pub(super) command: &'a Command,
    /// Its name with all names before it: `rucio did show`.
    pub(super) name: &'a str,
    pub(super) tree: Tree,
    /// Whether the mistake is after the first command.
    pub(super) in_leaf: bool,
    /// The words of the command line behind the program's name.
    pub(super) words: &'a [String],
}

impl Mistake<'_> {
    /// Returns the lines about the mistake; none if help was requested.
    pub(super) fn closing(&self) -> Closing {
        if self.error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand && self.tree == Tree::Commands {
            return Closing::default();
        }
        match self.tree {
            Tree::Commands => self.click(),
            Tree::Legacy | Tree::Admin => self.argparse(),
        }
    }

    fn click(&self) -> Closing {
        let missing = self.missing();
        let usage = || {
            let arguments = click_arguments(self.command);
            vec![format!("Usage: {}{arguments}", self.name), format!("Try '{} --help' for help.", self.name)]
        };
        if let Some(argument) = missing.first() {
            let mut plain = usage();
            plain.extend([String::new(), format!("Error: Missing {}", click_missing(argument))]);
            let name = argument.get_id();
            let logged = format!("Missing parameter: {name}. Please check the command help (-h/--help).");
            return Closing { plain, logged: Some(logged) };
        }
        let Some(message) = self.click_message() else { return Closing::default() };
        if self.in_leaf {
            return Closing { plain: Vec::new(), logged: Some(message) };
        }
        let is_value = matches!(self.error.kind(), ErrorKind::InvalidValue | ErrorKind::ValueValidation);
        let value_of = self
            .invalid_argument()
            .filter(|_| is_value)
            .map(|option| format!("Invalid value for {}: ", quoted_names(option)));
        let mut plain = usage();
        plain.extend([String::new(), format!("Error: {}{message}", value_of.unwrap_or_default())]);
        Closing { plain, logged: None }
    }

    fn click_message(&self) -> Option<String> {
        let argument = || self.context(ContextKind::InvalidArg);
        let value = || self.context(ContextKind::InvalidValue);
        Some(match self.error.kind() {
            ErrorKind::InvalidSubcommand => {
                format!("No such command '{}'.", self.context(ContextKind::InvalidSubcommand)?)
            }
            ErrorKind::UnknownArgument if argument()?.starts_with('-') => {
                format!("No such option '{}'.", option_name(&argument()?))
            }
            ErrorKind::UnknownArgument => format!("Got unexpected extra argument ({})", argument()?),
            ErrorKind::InvalidValue if value().is_none_or(|value| value.is_empty()) => self.click_empty_value()?,
            ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => {
                format!("Option '{}' requires an argument.", option_name(&argument()?))
            }
            ErrorKind::InvalidValue => format!("'{}' {}", value()?, self.is_not_one_of()),
            ErrorKind::ValueValidation => {
                let (kind, value) = (self.invalid_argument().and_then(click_type)?, value()?);
                // Officially, any integer is accepted.
                if kind == "integer" && value.parse::<i64>().is_ok() {
                    return None;
                }
                format!("'{value}' is not a valid {kind}.")
            }
            _ => return None,
        })
    }

    /// An option without a value, or with an empty one that is not among the possible values.
    fn click_empty_value(&self) -> Option<String> {
        let shown = self.context(ContextKind::InvalidArg)?;
        let name = option_name(&shown);
        let is_empty = !name.starts_with('-') || self.words.contains(&format!("{name}="));
        Some(if is_empty {
            format!("'' {}", self.is_not_one_of())
        } else {
            format!("Option '{name}' requires an argument.")
        })
    }

    fn argparse(&self) -> Closing {
        let is_unknown_command = self.error.kind() == ErrorKind::InvalidSubcommand;
        let is_before = !self.in_leaf && self.error.kind() != ErrorKind::UnknownArgument;
        if self.tree == Tree::Legacy && (is_unknown_command || is_before) {
            let words = python_list(self.words);
            return Closing { plain: Vec::new(), logged: Some(format!("Invalid argument(s) - {words} ")) };
        }
        let message = match self.missing().as_slice() {
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
        // Words that nothing takes are found by the parser of the whole command line.
        let program = if self.error.kind() == ErrorKind::UnknownArgument {
            self.name.split(' ').next().unwrap_or_default()
        } else {
            self.name
        };
        Closing {
            plain: message.map(|message| format!("{program}: error: {message}")).into_iter().collect(),
            logged: None,
        }
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
                format!("argument {}: expected one argument", name()?)
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

    /// Returns the required arguments that are missing.
    fn missing(&self) -> Vec<&Arg> {
        if self.error.kind() != ErrorKind::MissingRequiredArgument {
            return Vec::new();
        }
        let shown: Vec<_> = self.contexts(ContextKind::InvalidArg).iter().map(|shown| bare(shown)).collect();
        self.command.get_arguments().filter(|argument| shown.contains(&bare(&argument.to_string()))).collect()
    }

    fn invalid_argument(&self) -> Option<&Arg> {
        self.argument(&self.context(ContextKind::InvalidArg)?)
    }

    /// Returns the argument that clap shows like this in its messages.
    fn argument(&self, shown: &str) -> Option<&Arg> {
        self.command.get_arguments().find(|argument| bare(&argument.to_string()) == bare(shown))
    }

    /// Returns the second half of click's message about a value that is not one of the possible ones.
    fn is_not_one_of(&self) -> String {
        let choices = self.choices();
        if choices.contains(", ") { format!("is not one of {choices}.") } else { format!("is not {choices}.") }
    }

    fn choices(&self) -> String {
        self.contexts(ContextKind::ValidValue).iter().map(|value| format!("'{value}'")).collect::<Vec<_>>().join(", ")
    }

    fn context(&self, kind: ContextKind) -> Option<String> {
        self.contexts(kind).into_iter().next()
    }

    fn contexts(&self, kind: ContextKind) -> Vec<String> {
        match self.error.get(kind) {
            Some(ContextValue::String(text)) => vec![text.clone()],
            Some(ContextValue::Strings(texts)) => texts.clone(),
            _ => Vec::new(),
        }
    }
}

/// How clap shows an argument, without the brackets that tell whether it is required.
fn bare(shown: &str) -> String {
    shown.replace(['<', '>', '[', ']'], "")
}

/// The name of an option as it was typed: without its value.
fn option_name(shown: &str) -> &str {
    shown.split([' ', '=']).next().unwrap_or_default()
}

/// Names the arguments of a command behind its name, as click does.
fn click_arguments(command: &Command) -> String {
    if command.has_subcommands() {
        return " [OPTIONS] COMMAND [ARGS]...".to_owned();
    }
    let name = |argument: &Arg| {
        let name = click_metavar(argument);
        if argument.is_required_set() {
            format!(" {name}")
        } else {
            format!(" [{}]{}", name.trim_end_matches('.'), dots(argument))
        }
    };
    format!(" [OPTIONS]{}", command.get_positionals().map(name).collect::<String>())
}

fn dots(argument: &Arg) -> &'static str {
    if argument.get_num_args().is_some_and(|number| number.max_values() > 1) { "..." } else { "" }
}

fn click_metavar(argument: &Arg) -> String {
    let choices: Vec<_> = argument.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    if choices.is_empty() {
        format!("{}{}", argument.get_id().as_str().to_uppercase(), dots(argument))
    } else {
        format!("{{{}}}", choices.join("|"))
    }
}

fn click_missing(argument: &Arg) -> String {
    let choices: Vec<_> =
        argument.get_possible_values().iter().map(|value| format!("\t{}", value.get_name())).collect();
    let choices = if choices.is_empty() { String::new() } else { format!(" Choose from:\n{}", choices.join(",\n")) };
    if argument.is_positional() {
        format!("argument '{}'.{choices}", click_metavar(argument))
    } else {
        format!("option {}.{choices}", quoted_names(argument))
    }
}

fn quoted_names(option: &Arg) -> String {
    option_names(option).iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(" / ")
}

/// Writes words as Python prints a list of them, without passwords.
fn python_list(words: &[String]) -> String {
    let is_secret = |at: usize| at > 0 && ["-pwd", "--password"].contains(&words[at - 1].as_str());
    let shown = |(at, word): (usize, &String)| if is_secret(at) { "'[hidden]'".to_owned() } else { str_repr(word) };
    format!("[{}]", words.iter().enumerate().map(shown).collect::<Vec<_>>().join(", "))
}

/// All spellings of an option: short, long, and the other long ones.
fn option_names(argument: &Arg) -> Vec<String> {
    if argument.get_id() == "to_did" {
        return vec!["-to".to_owned(), "--to-did".to_owned()];
    }
    let short = argument.get_short().map(|short| format!("-{short}"));
    let long = argument.get_long().map(|long| format!("--{long}"));
    let aliases = argument.get_all_aliases().into_iter().flatten().map(|alias| format!("--{alias}"));
    short.into_iter().chain(long).chain(aliases).collect()
}

fn argparse_name(argument: &Arg) -> String {
    let id = argument.get_id().as_str();
    match argument.get_long() {
        Some("duration") => "--expiration-date/--duration".to_owned(),
        Some(long) => format!("--{long}"),
        None => ARGPARSE_NAMES.iter().find(|(ours, _)| *ours == id).map_or(id, |(_, name)| name).to_owned(),
    }
}

fn click_type(argument: &Arg) -> Option<&'static str> {
    value_type(argument, ["integer", "float", "boolean"])
}

fn argparse_type(argument: &Arg) -> Option<&'static str> {
    value_type(argument, ["int", "float", "bool"])
}

/// Returns the name of the type of the values: of integers, floating-point numbers or booleans.
fn value_type(argument: &Arg, [integer, float, boolean]: [&'static str; 3]) -> Option<&'static str> {
    let id = argument.get_value_parser().type_id();
    let integers = [
        TypeId::of::<i64>(),
        TypeId::of::<u64>(),
        TypeId::of::<i32>(),
        TypeId::of::<u32>(),
        TypeId::of::<u16>(),
        TypeId::of::<usize>(),
    ];
    match id {
        id if integers.iter().any(|integer| id == *integer) => Some(integer),
        id if id == TypeId::of::<f64>() => Some(float),
        id if id == TypeId::of::<bool>() => Some(boolean),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse::parse;

    #[test]
    fn usage_error_ends_as_in_the_official_client() {
        for (line, plain, logged) in [
            ("rucio list-dids", "rucio list-dids: error: the following arguments are required: did", ""),
            ("rucio list-dids a:b c", "rucio: error: unrecognized arguments: c", ""),
            ("rucio get --ndownloader x a:b", "rucio get: error: argument --ndownloader: invalid int value: 'x'", ""),
            ("rucio nosuch", "", "Invalid argument(s) - ['nosuch'] "),
            ("rucio --password secret nosuch", "", "Invalid argument(s) - ['--password', '[hidden]', 'nosuch'] "),
            (
                "rucio-admin account",
                "rucio-admin account: error: the following arguments are required: account_subcommand",
                "",
            ),
            (
                "rucio account show",
                "Error: Missing argument 'ACCOUNT_NAME'.",
                "Missing parameter: account_name. Please check the command help (-h/--help).",
            ),
            (
                "rucio did content add a:b",
                "Error: Missing option '-to' / '--to-did'.",
                "Missing parameter: to_did. Please check the command help (-h/--help).",
            ),
            ("rucio did nosuch", "", "No such command 'nosuch'."),
            ("rucio whoami --nosuch", "", "No such option '--nosuch'."),
            ("rucio whoami extra", "", "Got unexpected extra argument (extra)"),
            ("rucio account list --type user", "", "'user' is not one of 'USER', 'GROUP', 'SERVICE'."),
            ("rucio --nosuch whoami", "Error: No such option '--nosuch'.", ""),
            ("rucio --timeout x whoami", "Error: Invalid value for '-T' / '--timeout': 'x' is not a valid float.", ""),
        ] {
            let closing = parse(line.split(' ').map(Into::into).collect()).unwrap_err().closing;
            assert_eq!(closing.plain.last().map_or("", String::as_str), plain, "{line}");
            assert_eq!(closing.logged.as_deref().unwrap_or_default(), logged, "{line}");
        }
    }
}
