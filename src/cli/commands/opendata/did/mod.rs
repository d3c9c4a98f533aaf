//! `rucio opendata did ...`: DIDs in the open data catalogue.
//!
//! One file per subcommand; shared states and formats are here, the requests in `api::opendata`.

mod add;
mod list;
mod remove;
mod show;
mod update;

use clap::ValueEnum;

use crate::cli::commands::group;
use crate::cli::ui::values::undated_str;
use crate::cli::ui::{Shape, Table};
use crate::types::Attributes;

/// A catalogue entry, with all fields of its record.
const ENTRY: Shape = Shape::did(&[]);

group! {
    Add(add::Args),
    List(list::Args),
    Remove(remove::Args),
    Show(show::Args),
    Update(update::Args),
}

/// Publication state of an entry.
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

/// Formats attributes with one line per field, sorted by name.
fn fields(attributes: &Attributes) -> Table {
    let mut attributes: Vec<_> = attributes.iter().collect();
    attributes.sort_by_key(|(key, _)| *key);
    let mut table = Table::plain().without_numbers();
    for (key, value) in attributes {
        table.row([format!("{key}:"), undated_str(value)]);
    }
    table
}
