//! `rucio did ...`

pub(crate) mod add;
pub(crate) mod content;
pub(crate) mod files;
pub(crate) mod filter;
pub(crate) mod list;
pub(crate) mod metadata;
pub(crate) mod remove;
pub(crate) mod show;
pub(crate) mod update;

use clap::Subcommand;

use crate::cli::context::Context;
use crate::cli::ui::values::member_str;
use crate::cli::ui::{Shape, Table};
use crate::error::Result;
use crate::types::Attributes;

/// What a command did to a DID: the DID, and whatever else stands in the record.
const DONE: Shape = Shape::did(&[]);
/// A DID in a collection, or a collection that holds it.
const RELATIVE: Shape = Shape::did(&["scope", "name", "type"]);

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Add(add::Args),
    /// What collections hold
    #[command(subcommand)]
    Content(content::Command),
    List(list::Args),
    /// Metadata of DIDs
    #[command(subcommand)]
    Metadata(metadata::Command),
    Remove(remove::Args),
    Show(show::Args),
    Update(update::Args),
}

impl Command {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::Add(args) => add::run(context, args).await,
            Self::Content(command) => command.run(context).await,
            Self::List(args) => list::run(context, args).await,
            Self::Metadata(command) => command.run(context).await,
            Self::Remove(args) => remove::run(context, args).await,
            Self::Show(args) => show::run(context, args).await,
            Self::Update(args) => update::run(context, args).await,
        }
    }
}

/// Everything the server knows of something, a line a field, sorted by name.
fn fields(attributes: &Attributes) -> Table {
    let mut attributes: Vec<_> = attributes.iter().collect();
    attributes.sort_by_key(|(key, _)| *key);
    let mut table = Table::plain().without_numbers();
    for (key, value) in attributes {
        table.row([format!("{key}:"), member_str(value)]);
    }
    table
}

/// The table of DIDs and their types that several commands show.
fn did_table() -> Table {
    Table::psql(["SCOPE:NAME", "[DID TYPE]"])
}
