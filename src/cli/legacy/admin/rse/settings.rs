//! Legacy commands on RSE settings, attributes, limits and QoS policies.

use clap::Args;
use serde_json::Value;

use crate::cli::commands::rse::{attribute, limit, list, qos, update};
use crate::cli::context::Context;
use crate::cli::value_kind::ValueKind;
use crate::error::Result;

/// Arguments of `list`.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Print one name per line, and an empty line if there is none
    #[arg(long)]
    csv: bool,
}

impl List {
    pub(super) fn translate(self) -> list::Args {
        list::Args { rses: None, csv: self.csv }
    }
}

/// Update a setting of an RSE
///
/// Example: rucio-admin rse update --rse XRD1 --setting availability_write --value False
#[derive(Debug, Args)]
pub(crate) struct Update {
    /// RSE name
    #[arg(long, add = ValueKind::Rse)]
    rse: String,
    /// Setting: availability_read, deterministic, rse_type, city, ...
    #[arg(long)]
    setting: String,
    /// New value; an empty value, None or null clears qos_class
    #[arg(long, allow_negative_numbers = true)]
    value: String,
}

impl Update {
    pub(super) async fn run(self, context: &Context) -> Result<()> {
        let value = parse_bool(&self.value).map_or_else(|| Value::from(self.value.as_str()), Value::from);
        update::update(context, &self.rse, &self.setting, value).await
    }
}

/// Parses a Boolean. Returns `None` for other text.
fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" | "1" => Some(true),
        "false" | "False" | "FALSE" | "0" => Some(false),
        _ => None,
    }
}

/// Set an attribute of an RSE
///
/// Example: rucio-admin rse set-attribute --rse XRD1 --key tier --value 1
#[derive(Debug, Args)]
pub(crate) struct SetAttribute {
    /// RSE name
    #[arg(long, add = ValueKind::Rse)]
    rse: String,
    /// Attribute name
    #[arg(long, add = ValueKind::RseAttribute)]
    key: String,
    /// Attribute value
    #[arg(long, allow_negative_numbers = true)]
    value: String,
}

impl SetAttribute {
    pub(super) fn translate(self) -> attribute::set::Args {
        attribute::set::Args { rse_name: self.rse, key: self.key, value: self.value }
    }
}

/// Remove an attribute from an RSE
#[derive(Debug, Args)]
pub(crate) struct DeleteAttribute {
    /// RSE name
    #[arg(long, add = ValueKind::Rse)]
    rse: String,
    /// Attribute name
    #[arg(long, add = ValueKind::RseAttribute)]
    key: String,
    /// Attribute value; printed, not compared
    #[arg(long, allow_negative_numbers = true)]
    value: String,
}

impl DeleteAttribute {
    pub(super) async fn run(self, context: &Context) -> Result<()> {
        let Self { rse, key, value } = self;
        let text = format!("Deleted RSE attribute for {rse}: {key}-{value} ");
        attribute::unset::unset(context, &attribute::unset::Args { rse_name: rse, attribute: key }, text).await
    }
}

/// Set a limit of an RSE
///
/// Example: rucio-admin rse set-limit XRD1 MinFreeSpace 10000
#[derive(Debug, Args)]
pub(crate) struct SetLimit {
    /// RSE name
    #[arg(add = ValueKind::Rse)]
    rse: String,
    /// Name of the limit
    name: String,
    /// Value in bytes
    #[arg(allow_negative_numbers = true)]
    value: String,
}

impl SetLimit {
    pub(super) fn translate(self) -> limit::set::Args {
        limit::set::Args { rse_name: self.rse, limit: vec![self.name, self.value] }
    }
}

/// Remove a limit from an RSE
#[derive(Debug, Args)]
pub(crate) struct DeleteLimit {
    /// RSE name
    #[arg(add = ValueKind::Rse)]
    rse: String,
    /// Name of the limit
    name: String,
}

impl DeleteLimit {
    pub(super) fn translate(self) -> limit::unset::Args {
        limit::unset::Args { rse_name: self.rse, limit: self.name }
    }
}

/// Arguments of `add-qos-policy` and `delete-qos-policy`.
#[derive(Debug, Args)]
pub(crate) struct Policy {
    /// RSE name
    #[arg(add = ValueKind::Rse)]
    rse: String,
    /// Name of the QoS policy
    qos_policy: String,
}

impl Policy {
    pub(super) fn added(self) -> qos::add::Args {
        qos::add::Args { rse_name: self.rse, policy: self.qos_policy }
    }

    pub(super) fn removed(self) -> qos::remove::Args {
        qos::remove::Args { rse_name: self.rse, policy: self.qos_policy }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_are_fewer_than_in_the_new_tree() {
        let cases = [("True", Some(true)), ("0", Some(false)), (" on ", None), ("tRUE", None), ("", None), ("2", None)];
        for (text, expected) in cases {
            assert_eq!(parse_bool(text), expected, "{text:?}");
        }
    }
}
