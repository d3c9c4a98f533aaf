//! `rucio replica ...`: list replicas, set their state, and delete them.
//!
//! `pfns` has no command of its own here: it serves `rucio-admin replicas list-pfns`. Requests are in `api::replicas`.

pub(crate) mod list;
pub(crate) mod pfns;
pub(crate) mod remove;
pub(crate) mod state;

use crate::cli::commands::group;

group! {
    /// List file or dataset replicas
    #[command(subcommand)]
    List(list::Command),
    Remove(remove::Args),
    /// List and update replica states: suspicious, bad, quarantined, unavailable
    #[command(subcommand)]
    State(state::Command),
}
