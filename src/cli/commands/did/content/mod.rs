//! `rucio did content ...`: commands for the DIDs that are attached to datasets and containers.
//! A leaf per file; endpoints are in `api::dids`.

pub(crate) mod add;
pub(crate) mod history;
pub(crate) mod list;
pub(crate) mod remove;

use crate::cli::commands::group;

group! {
    Add(add::Args),
    History(history::Args),
    List(list::Args),
    Remove(remove::Args),
}
