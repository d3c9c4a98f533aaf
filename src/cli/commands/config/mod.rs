//! `rucio config ...`: commands for the configuration in the server's database. The configuration of the client is read
//! in `crate::config`, and created by `rucio login --setup`.

pub(crate) mod list;
pub(crate) mod set;
pub(crate) mod unset;

use crate::cli::commands::group;
use crate::cli::ui::Shape;

/// An option of a section.
const SHAPE: Shape = Shape { name: &["section", "option"], columns: &["section", "option", "value"] };

group! {
    List(list::Args),
    #[command(aliases = ["add", "update"])]
    Set(set::Args),
    #[command(alias = "remove")]
    Unset(unset::Args),
}
