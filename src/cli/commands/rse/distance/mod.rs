//! `rucio rse distance ...`: distances between pairs of RSEs.
//!
//! The requests are in `api::rses::distances`.

pub(crate) mod set;
pub(crate) mod show;
pub(crate) mod unset;

use crate::cli::commands::group;
use crate::cli::ui::Shape;

/// A distance, named by its source and destination RSE.
const SHAPE: Shape = Shape { name: &["source", "destination"], columns: &[] };

group! {
    #[command(aliases = ["add", "update"])]
    Set(set::Args),
    Show(show::Args),
    #[command(alias = "remove")]
    Unset(unset::Args),
}
