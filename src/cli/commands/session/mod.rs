//! `rucio session ...`: list, show and renew saved sessions.
//!
//! Only arguments and output; sessions themselves are in `auth::session`, logging in is in `commands::login`.

mod list;
pub(crate) mod show;
mod update;
pub(crate) mod view;

use crate::cli::commands::group;

group! {
    List(list::Args),
    Show(show::Args),
    Update(update::Args),
}
