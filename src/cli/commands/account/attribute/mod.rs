//! `rucio account attribute ...`: commands for the attributes (keys and values) of accounts.

pub(crate) mod list;
pub(crate) mod set;
pub(crate) mod unset;

use crate::cli::commands::group;

group! {
    List(list::Args),
    Set(set::Args),
    Unset(unset::Args),
}
