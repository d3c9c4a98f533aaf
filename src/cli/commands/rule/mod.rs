//! `rucio rule ...`: replication rules.
//!
//! One file per subcommand, with its arguments and output; the requests are in `api::rules`.

pub(crate) mod add;
pub(crate) mod history;
pub(crate) mod list;
pub(crate) mod r#move;
pub(crate) mod remove;
pub(crate) mod select;
mod short_id;
pub(crate) mod show;
pub(crate) mod update;
pub(crate) mod wait;

use crate::cli::commands::group;
use crate::cli::ui::Shape;
use crate::error::Error;
use crate::exceptions::Exception;
pub(in crate::cli) use short_id::can_be_rule_id;

/// Result of a command on a rule: named by the rule's ID, with all fields.
const DONE: Shape = Shape::named(&["id"], &[]);

group! {
    Add(add::Args),
    History(history::Args),
    List(list::Args),
    Move(r#move::Args),
    Remove(remove::Args),
    Show(show::Args),
    Update(update::Args),
    Wait(wait::Args),
}

/// Adds a hint on how to find rule IDs if the rule does not exist.
fn explained(error: Error) -> Error {
    match error.class() {
        Some(Exception::RuleNotFound) => error.with_hint("List the rules on a DID: `rucio rule list --did DID`."),
        _ => error,
    }
}

/// Returns `None` for the word "none", which clears a value, else the text.
fn unless_none(text: String) -> Option<String> {
    Some(text).filter(|text| !text.eq_ignore_ascii_case("none"))
}
