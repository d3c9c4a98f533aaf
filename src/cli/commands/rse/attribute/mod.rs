//! `rucio rse attribute ...`: key-value attributes of an RSE.
//!
//! Not its settings, such as `deterministic` or `city`: those are in `rse::update`.

pub(crate) mod list;
pub(crate) mod set;
pub(crate) mod unset;

use crate::cli::commands::group;

group! {
    List(list::Args),
    #[command(alias = "add")]
    Set(set::Args),
    #[command(alias = "remove")]
    Unset(unset::Args),
}
