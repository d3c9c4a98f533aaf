//! The last lines of click, which parses the current commands.

use clap::error::{ContextKind, ErrorKind};
use clap::{Arg, Command};

use super::closing::{Closing, Mistake, option_name, value_type};

/// Arguments that have other names in the messages of click.
const NAMES: [(&str, &str); 3] = [("authtype", "type_"), ("bytes", "bytes_"), ("filter", "did_filter")];

/// What click writes behind a wrong boolean.
const BOOLEANS: &str = " Recognized values: , 0, 1, f, false, n, no, off, on, t, true, y, yes";

impl Mistake<'_> {
    pub(super) fn click(&self) -> Closing {
        let missing = self.missing();
        let usage = || {
            let arguments = click_arguments(self.command);
            vec![format!("Usage: {}{arguments}", self.name), format!("Try '{} --help' for help.", self.name)]
        };
        if let Some(argument) = missing.first() {
            let mut plain = usage();
            plain.extend([String::new(), format!("Error: Missing {}", click_missing(argument))]);
            let id = argument.get_id().as_str();
            let name = NAMES.iter().find(|(ours, _)| *ours == id).map_or(id, |(_, name)| name);
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
                let name = option_name(&argument()?).to_owned();
                match self.expected_values() {
                    Some(number @ 2..) => format!("Option '{name}' requires {number} arguments."),
                    _ => format!("Option '{name}' requires an argument."),
                }
            }
            ErrorKind::InvalidValue => format!("'{}' {}", value()?, self.is_not_one_of()),
            ErrorKind::ValueValidation => {
                let (kind, value) = (self.invalid_argument().and_then(click_type)?, value()?);
                // Officially, any integer is accepted.
                if kind == "integer" && value.parse::<i64>().is_ok() {
                    return None;
                }
                let known = if kind == "boolean" { BOOLEANS } else { "" };
                format!("'{value}' is not a valid {kind}.{known}")
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

    /// Returns the second half of click's message about a value that is not one of the possible ones.
    fn is_not_one_of(&self) -> String {
        let choices = self.choices();
        if choices.contains(", ") { format!("is not one of {choices}.") } else { format!("is not {choices}.") }
    }
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

fn click_type(argument: &Arg) -> Option<&'static str> {
    value_type(argument, ["integer", "float", "boolean"])
}
