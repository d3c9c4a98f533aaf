//! `rucio opendata did ...`

mod add;
mod list;
mod remove;
mod show;
mod update;

use clap::{Subcommand, ValueEnum};

use crate::cli::context::Context;
use crate::cli::ui::values::undated_str;
use crate::cli::ui::{Shape, Table};
use crate::error::Result;
use crate::types::Attributes;

/// An entry, with whatever else stands in the record.
const ENTRY: Shape = Shape::did(&[]);

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Add(add::Args),
    List(list::Args),
    Remove(remove::Args),
    Show(show::Args),
    Update(update::Args),
}

impl Command {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::Add(args) => add::run(context, args).await,
            Self::List(args) => list::run(context, args).await,
            Self::Remove(args) => remove::run(context, args).await,
            Self::Show(args) => show::run(context, args).await,
            Self::Update(args) => update::run(context, args).await,
        }
    }
}

/// How far an entry has come.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum State {
    Draft,
    Public,
    Suspended,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Public => "public",
            Self::Suspended => "suspended",
        }
    }
}

/// A line a field, sorted by name.
fn fields(attributes: &Attributes) -> Table {
    let mut attributes: Vec<_> = attributes.iter().collect();
    attributes.sort_by_key(|(key, _)| *key);
    let mut table = Table::plain().without_numbers();
    for (key, value) in attributes {
        table.row([format!("{key}:"), undated_str(value)]);
    }
    table
}
