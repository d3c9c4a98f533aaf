//! `rucio rule ...`: replication rules.
//!
//! One file per subcommand, with its arguments and output; the requests are in `api::rules`.

pub(crate) mod add;
pub(crate) mod history;
pub(crate) mod list;
pub(crate) mod r#move;
pub(crate) mod remove;
pub(crate) mod select;
pub(crate) mod show;
pub(crate) mod update;
pub(crate) mod wait;

use clap::Subcommand;

use crate::cli::context::Context;
use crate::cli::ui::Shape;
use crate::error::{Error, Result};
use crate::exceptions::Exception;

/// Result of a command on a rule: named by the rule's ID, with all fields.
const DONE: Shape = Shape::named(&["id"], &[]);

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Add(Box<add::Args>),
    History(history::Args),
    List(list::Args),
    Move(r#move::Args),
    Remove(remove::Args),
    Show(show::Args),
    Update(Box<update::Args>),
    Wait(wait::Args),
}

impl Command {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::Add(args) => add::run(context, *args).await,
            Self::History(args) => history::run(context, args).await,
            Self::List(args) => list::run(context, args).await,
            Self::Move(args) => r#move::run(context, args).await,
            Self::Remove(args) => remove::run(context, args).await,
            Self::Show(args) => show::run(context, args).await,
            Self::Update(args) => update::run(context, *args).await,
            Self::Wait(args) => wait::run(context, args).await,
        }
    }
}

/// Adds a hint on how to find rule IDs if the rule does not exist.
fn explained(error: Error) -> Error {
    match error.class() {
        Some(Exception::RuleNotFound) => error.with_hint("rucio rule list --did DID shows the rules of a DID."),
        _ => error,
    }
}

/// Returns `None` for the word "none", which clears a value, else the text.
fn unless_none(text: String) -> Option<String> {
    Some(text).filter(|text| !text.eq_ignore_ascii_case("none"))
}
