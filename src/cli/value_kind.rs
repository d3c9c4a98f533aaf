//! Kinds of values that arguments take, for tab completion.

use clap::builder::ArgExt;
use clap::{ArgMatches, Command};

/// A kind of value that the server or the configuration can list. It stands on the argument:
/// `#[arg(add = ValueKind::Rse)]`. Local paths have a `value_hint` instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum ValueKind {
    /// An account.
    Account,
    /// A scope.
    Scope,
    /// A DID: a scope, then names in it.
    Did,
    /// An RSE.
    Rse,
    /// An RSE expression: RSEs, attributes and their values, joined by operators.
    RseExpression,
    /// The name of an RSE attribute.
    RseAttribute,
    /// A metadata key.
    MetadataKey,
    /// The id of one of the account's rules.
    Rule,
    /// One of the account's subscriptions.
    Subscription,
    /// A rule id or a DID.
    RuleOrDid,
    /// A profile of the configuration.
    Profile,
    /// An option of the configuration: `SECTION.OPTION`, or one of `[client]`.
    Setting,
}

impl ArgExt for ValueKind {}

/// A value of the command line, with its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GivenValue {
    pub kind: ValueKind,
    pub value: String,
}

/// Returns the values of the command's own arguments that have a kind.
pub(crate) fn given_values(tree: &Command, matches: &ArgMatches) -> Vec<GivenValue> {
    let mut leaf = tree;
    let mut matches = matches;
    while let Some((name, below)) = matches.subcommand() {
        leaf = leaf.find_subcommand(name).unwrap_or(leaf);
        matches = below;
    }
    let of_kind = leaf.get_arguments().filter_map(|arg| Some((arg.get_id(), arg.get::<ValueKind>().copied()?)));
    let given = of_kind.flat_map(|(id, kind)| {
        let values = matches.try_get_raw(id.as_str()).ok().flatten().into_iter().flatten();
        values.map(move |value| GivenValue { kind, value: value.to_string_lossy().into_owned() })
    });
    given.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueHint;

    /// Arguments of these names always have the kind, in every command.
    const NAMED: [(&str, ValueKind); 5] = [
        ("account", ValueKind::Account),
        ("scope", ValueKind::Scope),
        ("did", ValueKind::Did),
        ("dids", ValueKind::Did),
        ("rse", ValueKind::Rse),
    ];

    fn check(command: &Command, path: &str) {
        for arg in command.get_arguments().filter(|arg| arg.get_action().takes_values()) {
            let name = arg.get_id().as_str();
            let kind = arg.get::<ValueKind>();
            if let Some((_, expected)) = NAMED.iter().find(|(named, _)| *named == name) {
                assert_eq!(kind, Some(expected), "{path} {name}");
            }
            let has_fixed_values = !arg.get_possible_values().is_empty() || arg.get_value_hint() != ValueHint::Unknown;
            assert!(kind.is_none() || !has_fixed_values, "{path} {name} has values of its own");
        }
        for below in command.get_subcommands() {
            check(below, &format!("{path} {}", below.get_name()));
        }
    }

    #[test]
    fn value_kind_is_on_every_argument_named_after_it() {
        for tree in crate::cli::trees() {
            check(&tree, tree.get_name());
        }
    }
}
