//! `rucio scope ...`: add and list scopes, and change their owners.
//!
//! One file per subcommand, with its arguments and output; the requests are in `api::scopes`.

pub(crate) mod add;
pub(crate) mod list;
pub(crate) mod update;

use crate::cli::commands::group;
use crate::cli::ui::Shape;

/// A scope and its owner.
const SHAPE: Shape = Shape::named(&["scope"], &["scope", "account"]);

group! {
    Add(add::Args),
    List(list::Args),
    Update(update::Args),
}
