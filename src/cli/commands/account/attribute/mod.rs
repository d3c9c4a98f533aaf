//! `rucio account attribute ...`: commands for the attributes (keys and values) of accounts.
//! A leaf per file; endpoints are in `api::accounts`.

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
