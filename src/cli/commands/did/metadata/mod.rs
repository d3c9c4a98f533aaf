//! `rucio did metadata ...`: commands for the metadata of DIDs.
//! A leaf per file; endpoints are in `api::metadata` and `api::dids`.

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
