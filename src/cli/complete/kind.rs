//! Which values an option or argument takes.

use clap::{Arg, ValueHint};

/// A kind of value that the server knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
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
    /// One rule id, or a DID.
    RuleOrDid,
}

/// What of the local files this argument takes, if any.
pub(super) fn files(arg: &Arg) -> Option<ValueHint> {
    match arg.get_id().as_str() {
        _ if !arg.get_action().takes_values() => None,
        "dir" => Some(ValueHint::DirPath),
        "config" | "ca_certificate" | "certificate" | "client_key" | "metalink" | "local_path" | "file_path"
        | "file_paths" | "input_file" | "inputfile" | "paths_file" | "paths" => Some(ValueHint::AnyPath),
        _ => None,
    }
}

impl Kind {
    /// The kind of this argument of the command at this path. Fixed values and files are not our business.
    pub(super) fn of(path: &[String], arg: &Arg) -> Option<Self> {
        let fixed = !arg.get_possible_values().is_empty() || arg.get_value_hint() != ValueHint::Unknown;
        if fixed || !arg.get_action().takes_values() {
            return None;
        }
        let below = |group: &str| path.iter().any(|name| name == group);
        match arg.get_id().as_str() {
            "account" | "account_name" | "limit_account" => Some(Self::Account),
            "scope" | "scope_name" | "trace_datasetscope" => Some(Self::Scope),
            "dids" if below("download") || below("get") => Some(Self::Did),
            "did" | "dids" | "did_pattern" | "did_name" | "to_did" | "from_did" | "todid" | "fromdid" | "file"
            | "archive_did" => Some(Self::Did),
            "words" if below("add-rule") => Some(Self::Did),
            "rse" | "rse_name" | "source_rse" | "destination_rse" | "source" | "destination" => Some(Self::Rse),
            "rses" | "source_rses" | "rse_expression" | "source_replica_expression" | "expression" => {
                Some(Self::RseExpression)
            }
            "attribute" => Some(Self::RseAttribute),
            "key" if below("rse") => Some(Self::RseAttribute),
            "key" if below("metadata") || below("set-metadata") || below("delete-metadata") => Some(Self::MetadataKey),
            "rule_id" | "child_rule_id" => Some(Self::Rule),
            "rule_id_dids" => Some(Self::RuleOrDid),
            "subscription" | "subscription_name" => Some(Self::Subscription),
            _ => None,
        }
    }
}
