//! `rucio did ...`: commands for DIDs, one module per command, and a folder each for content and metadata. `files` is
//! the legacy `list-files`. Replicas, rules and open data have commands of their own; the REST calls are in
//! `crate::api::dids`.

pub(crate) mod add;
pub(crate) mod content;
pub(crate) mod files;
pub(crate) mod filter;
pub(crate) mod list;
pub(crate) mod metadata;
pub(crate) mod remove;
pub(crate) mod show;
pub(crate) mod update;

use crate::cli::commands::group;
use crate::cli::ui::values::member_str;
use crate::cli::ui::{Shape, Table};
use crate::types::Attributes;

/// Result of a change to a DID: the DID, and the other fields of the record.
const DONE: Shape = Shape::did(&[]);
/// A DID in a collection, or a collection that contains it.
const RELATIVE: Shape = Shape::did(&["scope", "name", "type"]);

group! {
    Add(add::Args),
    /// List and change the content of datasets and containers
    #[command(subcommand)]
    Content(content::Command),
    List(list::Args),
    /// List and change the metadata of DIDs
    #[command(subcommand)]
    Metadata(metadata::Command),
    Remove(remove::Args),
    Show(show::Args),
    Update(update::Args),
}

/// Builds a table of all attributes, one per line, sorted by name.
fn fields(attributes: &Attributes) -> Table {
    let mut attributes: Vec<_> = attributes.iter().collect();
    attributes.sort_by_key(|(key, _)| *key);
    let mut table = Table::plain().without_numbers();
    for (key, value) in attributes {
        table.row([format!("{key}:"), member_str(value)]);
    }
    table
}

/// Returns an empty table for DIDs and their types.
fn did_table() -> Table {
    Table::psql(["SCOPE:NAME", "[DID TYPE]"])
}
