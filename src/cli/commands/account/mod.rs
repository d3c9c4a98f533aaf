//! `rucio account ...`: commands for accounts, one module per command, and a folder each for attributes, identities and
//! limits. `rucio-admin account` is translated into these in `cli::legacy`. The REST calls are in
//! `crate::api::accounts`; `whoami` is a command of its own.

pub(crate) mod add;
pub(crate) mod attribute;
pub(crate) mod identity;
pub(crate) mod limit;
pub(crate) mod list;
pub(crate) mod remove;
pub(crate) mod show;
pub(crate) mod update;

use crate::cli::commands::group;
use crate::cli::ui::Shape;

/// An account, with all fields of its record.
const SHAPE: Shape = Shape::named(&["account"], &[]);
/// An account as returned by the server, which sends the fields in no particular order.
pub(crate) const DESCRIPTION: Shape = Shape::named(
    &["account"],
    &["account", "account_type", "status", "email", "created_at", "updated_at", "suspended_at", "deleted_at"],
);
/// Account types.
const TYPES: [&str; 3] = ["USER", "GROUP", "SERVICE"];

group! {
    Add(add::Args),
    /// List, set and unset account attributes (privileges)
    #[command(subcommand)]
    Attribute(attribute::Command),
    /// List, add and remove the identities that can log in as an account
    #[command(subcommand)]
    Identity(identity::Command),
    /// Show the storage usage of accounts, and set limits
    #[command(subcommand)]
    Limit(limit::Command),
    List(list::Args),
    Remove(remove::Args),
    Show(show::Args),
    Update(update::Args),
}
