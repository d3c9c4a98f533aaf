//! The last lines of a usage error, as the parsers of the official client write them: scripts read them.
//!
//! click parses the current commands, argparse the legacy and admin ones. Above these lines is the message of our parser.
//! What both modules need to know of a mistake is here.

use std::any::TypeId;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};

use crate::cli::tree::Tree;

/// What the official client writes about a mistake.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::cli) struct Closing {
    /// Lines without time and level.
    pub(in crate::cli) plain: Vec<String>,
    /// The message of a log line.
    pub(in crate::cli) logged: Option<String>,
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

    /// Returns the required arguments that are missing.
    pub(super) fn missing(&self) -> Vec<&Arg> {
        if self.error.kind() != ErrorKind::MissingRequiredArgument {
            return Vec::new();
        }
        let shown: Vec<_> = self.contexts(ContextKind::InvalidArg).iter().map(|shown| bare(shown)).collect();
        self.command.get_arguments().filter(|argument| shown.contains(&bare(&argument.to_string()))).collect()
    }

    pub(super) fn invalid_argument(&self) -> Option<&Arg> {
        self.argument(&self.context(ContextKind::InvalidArg)?)
    }

    /// Returns the argument that clap shows like this in its messages.
    pub(super) fn argument(&self, shown: &str) -> Option<&Arg> {
        self.command.get_arguments().find(|argument| bare(&argument.to_string()) == bare(shown))
    }

    /// Returns the number of values that an option or argument must have.
    pub(super) fn expected_values(&self) -> Option<usize> {
        [ContextKind::ExpectedNumValues, ContextKind::MinValues].into_iter().find_map(|kind| self.number(kind))
    }

    pub(super) fn number(&self, kind: ContextKind) -> Option<usize> {
        match self.error.get(kind) {
            Some(ContextValue::Number(number)) => usize::try_from(*number).ok(),
            _ => None,
        }
    }

    pub(super) fn choices(&self) -> String {
        self.contexts(ContextKind::ValidValue).iter().map(|value| format!("'{value}'")).collect::<Vec<_>>().join(", ")
    }

    pub(super) fn context(&self, kind: ContextKind) -> Option<String> {
        self.contexts(kind).into_iter().next()
    }

    pub(super) fn contexts(&self, kind: ContextKind) -> Vec<String> {
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
pub(super) fn option_name(shown: &str) -> &str {
    shown.split([' ', '=']).next().unwrap_or_default()
}

/// Returns the name of the type of the values: of integers, floating-point numbers or booleans.
pub(super) fn value_type(argument: &Arg, [integer, float, boolean]: [&'static str; 3]) -> Option<&'static str> {
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
    use crate::cli::parse::parse;

    #[test]
    fn usage_error_ends_as_in_the_official_client() {
        for (line, plain, logged) in [
            ("rucio list-dids", "rucio list-dids: error: the following arguments are required: did", ""),
            ("rucio list-dids a:b c", "rucio: error: unrecognized arguments: c", ""),
            (
                "rucio-admin account ban kim",
                "rucio-admin account ban: error: the following arguments are required: --account",
                "",
            ),
            (
                "rucio-admin rse add-protocol --hostname h --scheme s --prefix p --domain-json x R",
                "rucio-admin rse add-protocol: error: argument --domain-json: invalid loads value: 'x'",
                "",
            ),
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
            (
                "rucio account identity add kim --id x --email e",
                "\tOIDC",
                "Missing parameter: type_. Please check the command help (-h/--help).",
            ),
            ("rucio rse limit set X --limit x", "", "Option '--limit' requires 2 arguments."),
            (
                "rucio rule update --locked maybe x",
                "",
                "'maybe' is not a valid boolean. Recognized values: , 0, 1, f, false, n, no, off, on, t, true, y, yes",
            ),
            ("rucio delete-rule", "rucio delete-rule: error: the following arguments are required: rule_id", ""),
            ("rucio add-rule a:b 1", "rucio add-rule: error: the following arguments are required: rse_expression", ""),
            ("rucio account list --type user", "", "'user' is not one of 'USER', 'GROUP', 'SERVICE'."),
            ("rucio --nosuch whoami", "Error: No such option '--nosuch'.", ""),
            ("rucio --timeout x whoami", "Error: Invalid value for '-T' / '--timeout': 'x' is not a valid float.", ""),
        ] {
            let closing = parse(line.split(' ').map(Into::into).collect()).unwrap_err().closing;
            assert_eq!(closing.plain.join("\n").lines().last().unwrap_or_default(), plain, "{line}");
            assert_eq!(closing.logged.as_deref().unwrap_or_default(), logged, "{line}");
        }
    }
}
