//! `rucio replica state ...`: list suspicious replicas and declare replica states.
//!
//! The requests are in `api::replicas::states`.

pub(crate) mod list;
pub(crate) mod update;

use crate::cli::commands::group;

group! {
    List(list::Args),
    /// Declare replicas bad, quarantined or unavailable
    #[command(subcommand)]
    Update(update::Command),
}
