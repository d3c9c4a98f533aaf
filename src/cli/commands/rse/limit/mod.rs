//! `rucio rse limit ...`: limits of an RSE in bytes, such as `MinFreeSpace`.
//!
//! Not the limits of accounts, which are in `account::limit`.

pub(crate) mod set;
pub(crate) mod unset;

use crate::cli::commands::group;

group! {
    #[command(alias = "add")]
    Set(set::Args),
    #[command(alias = "remove")]
    Unset(unset::Args),
}
