//! Old spellings of commands on RSEs themselves, their attributes, limits and qualities of service.

use clap::Args;

use crate::cli::commands::rse::{attribute, limit, list, qos, update};

/// `list`.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// One name a line, and an empty line when there is none
    #[arg(long)]
    csv: bool,
}

impl List {
    pub(super) fn translate(self) -> list::Args {
        list::Args { rses: None, csv: self.csv }
    }
}

/// Change a setting of an RSE
///
/// Example: rucio-admin rse update --rse XRD1 --setting availability_write --value False
#[derive(Debug, Args)]
pub(crate) struct Update {
    /// The RSE
    #[arg(long)]
    rse: String,
    /// The setting: availability_read, deterministic, rse_type, city, ...
    #[arg(long)]
    setting: String,
    /// Its new value; an empty one, None and null wipe the qos_class
    #[arg(long, allow_negative_numbers = true)]
    value: String,
}

impl Update {
    pub(super) fn translate(self) -> update::Args {
        update::Args { rse_name: self.rse, key: self.setting, value: self.value, few_truths: true }
    }
}

/// Set an attribute of an RSE
///
/// Example: rucio-admin rse set-attribute --rse XRD1 --key tier --value 1
#[derive(Debug, Args)]
pub(crate) struct SetAttribute {
    /// The RSE
    #[arg(long)]
    rse: String,
    /// The attribute
    #[arg(long)]
    key: String,
    /// Its value
    #[arg(long, allow_negative_numbers = true)]
    value: String,
}

impl SetAttribute {
    pub(super) fn translate(self) -> attribute::set::Args {
        attribute::set::Args { rse_name: self.rse, key: self.key, value: self.value }
    }
}

/// Take an attribute of an RSE away
#[derive(Debug, Args)]
pub(crate) struct DeleteAttribute {
    /// The RSE
    #[arg(long)]
    rse: String,
    /// The attribute
    #[arg(long)]
    key: String,
    /// Its value; any will do
    #[arg(long, allow_negative_numbers = true)]
    value: String,
}

impl DeleteAttribute {
    pub(super) fn translate(self) -> attribute::unset::Args {
        attribute::unset::Args { rse_name: self.rse, attribute: self.key, value: Some(self.value) }
    }
}

/// Limit an RSE
///
/// Example: rucio-admin rse set-limit XRD1 MinFreeSpace 10000
#[derive(Debug, Args)]
pub(crate) struct SetLimit {
    /// The RSE
    rse: String,
    /// The limit's name
    name: String,
    /// How many bytes it is
    #[arg(allow_negative_numbers = true)]
    value: String,
}

impl SetLimit {
    pub(super) fn translate(self) -> limit::set::Args {
        limit::set::Args { rse_name: self.rse, limit: vec![self.name, self.value] }
    }
}

/// Take a limit of an RSE away
#[derive(Debug, Args)]
pub(crate) struct DeleteLimit {
    /// The RSE
    rse: String,
    /// The limit's name
    name: String,
}

impl DeleteLimit {
    pub(super) fn translate(self) -> limit::unset::Args {
        limit::unset::Args { rse_name: self.rse, limit: self.name }
    }
}

/// `add-qos-policy` and `delete-qos-policy`.
#[derive(Debug, Args)]
pub(crate) struct Policy {
    /// The RSE
    rse: String,
    /// The policy's name
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
