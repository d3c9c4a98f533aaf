//! `rucio rule ...`

pub(crate) mod add;
pub(crate) mod history;
pub(crate) mod list;
pub(crate) mod r#move;
pub(crate) mod remove;
mod select;
pub(crate) mod show;
pub(crate) mod update;
pub(crate) mod wait;

use clap::Subcommand;

use crate::cli::context::Context;
use crate::cli::ui::Shape;
use crate::error::{Error, Result};
use crate::exceptions::Exception;

/// What a command did to a rule: its id, and whatever else stands in the record.
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

/// Tells where the ids of rules are found, if the failure is that there is none with this id.
fn explained(error: Error) -> Error {
    match error.class() {
        Some(Exception::RuleNotFound) => error.with_hint("rucio rule list --did DID shows the rules of a DID."),
        _ => error,
    }
}

/// Nothing for the word that takes a value away, else the word.
fn unless_none(text: String) -> Option<String> {
    Some(text).filter(|text| !text.eq_ignore_ascii_case("none"))
}
