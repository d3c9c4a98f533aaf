//! Kinds of values that options and arguments take.

use clap::{Arg, ValueHint};

/// A kind of value that the server or the configuration can list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum ValueKind {
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
}

/// Returns which local paths the argument takes, if any.
pub(super) fn files(arg: &Arg) -> Option<ValueHint> {
    match arg.get_id().as_str() {
        _ if !arg.get_action().takes_values() => None,
        "dir" => Some(ValueHint::DirPath),
        "config" | "ca_certificate" | "certificate" | "client_key" | "metalink" | "local_path" | "file_path"
        | "file_paths" | "input_file" | "inputfile" | "input" | "paths_file" | "paths" | "lfns" | "files_from"
        | "summary" | "failed_list" => Some(ValueHint::AnyPath),
        _ => None,
    }
}

impl ValueKind {
    /// Returns the kind of an argument of the command at `path`; `None` for fixed values and local paths.
    pub(super) fn for_arg(path: &[String], arg: &Arg) -> Option<Self> {
        let fixed = !arg.get_possible_values().is_empty() || arg.get_value_hint() != ValueHint::Unknown;
        if fixed || !arg.get_action().takes_values() {
            return None;
        }
        let below = |group: &str| path.iter().any(|name| name == group);
        match arg.get_id().as_str() {
            "account" | "account_name" | "limit_account" => Some(Self::Account),
            "scope" | "scope_name" | "trace_datasetscope" => Some(Self::Scope),
            "did" | "dids" | "did_pattern" | "did_name" | "to_did" | "from_did" | "todid" | "fromdid" | "file"
            | "archive_did" | "replicas" | "listbadfiles" => Some(Self::Did),
            "words" if below("add-rule") => Some(Self::Did),
            "rse" | "rse_name" | "source_rse" | "destination_rse" | "source" | "destination" => Some(Self::Rse),
            "rses" | "source_rses" | "rse_expression" | "source_replica_expression" | "expression" => {
                Some(Self::RseExpression)
            }
            "attribute" => Some(Self::RseAttribute),
            "key" if below("rse") => Some(Self::RseAttribute),
            "key" if below("metadata") || below("set-metadata") || below("delete-metadata") => Some(Self::MetadataKey),
            "rule_id" | "rule_ids" | "child_rule_id" => Some(Self::Rule),
            "rule_id_dids" => Some(Self::RuleOrDid),
            "subscription" | "subscription_name" => Some(Self::Subscription),
            "profile" => Some(Self::Profile),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Command;
    use std::collections::BTreeSet;

    /// Arguments without a list of possible values.
    const FREE: &str = "account_type activity aria auth_host auth_strategy bytes comment comments copies delay_injection \
        distance doi domain domain_json duration email exclude expiration expiration_date extended_attributes_json \
        fields filter guid headers hostname id impl include interval key lfn lifetime limit limit_rate link locked meta method_or_path \
        min_life n_attempts name nattempts ndownloader notify nrandom oidc_audience oidc_issuer \
        oidc_refresh_lifetime oidc_scope password path paths_list pfn plugin policy port prefix priority \
        protocol protocols qos_policy raw_fields reason record_id replica_selection replication_rules rule \
        scheme section setting shard sort space_token timeout token transfer_speed_timeout transfer_timeout url \
        user user_agent value vo web_service_path weight younger_than";

    /// Collects the ids of all arguments below this command whose values have no kind.
    fn unknown(command: &Command, path: &mut Vec<String>, found: &mut BTreeSet<String>) {
        for arg in command.get_arguments().filter(|arg| arg.get_action().takes_values() && !arg.is_hide_set()) {
            let fixed = !arg.get_possible_values().is_empty();
            if !fixed && ValueKind::for_arg(path, arg).is_none() && files(arg).is_none() {
                found.insert(arg.get_id().to_string());
            }
        }
        for below in command.get_subcommands() {
            path.push(below.get_name().to_owned());
            unknown(below, path, found);
            path.pop();
        }
    }

    #[test]
    fn every_argument_is_of_a_kind_or_free() {
        let mut found = BTreeSet::new();
        for tree in crate::cli::trees() {
            unknown(&tree, &mut Vec::new(), &mut found);
        }
        assert_eq!(found.into_iter().collect::<Vec<_>>(), FREE.split(' ').collect::<Vec<_>>());
    }
}
