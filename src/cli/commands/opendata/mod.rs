//! `rucio opendata ...`: the open data catalogue.
//!
//! Holds arguments and output only, as all command groups do; the requests are in `api::opendata`.

pub(crate) mod did;

use crate::cli::commands::group;

group! {
    /// Create, list, show, update and remove entries of the open data catalogue
    #[command(subcommand)]
    Did(did::Command),
}
