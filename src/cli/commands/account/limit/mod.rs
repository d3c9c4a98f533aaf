//! `rucio account limit ...`: commands for the storage limits of accounts. `get` and `quota` are legacy commands only.
//! A leaf per file; endpoints are in `api::accounts`.

pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod quota;
pub(crate) mod set;
pub(crate) mod unset;

use serde_json::Value;

use crate::cli::commands::group;
use crate::cli::ui::values::Num;
use crate::cli::ui::{Shape, Table};

/// A limit, identified by its RSE expression; an RSE name is an RSE expression, too.
const SHAPE: Shape = Shape::named(&["rse_expression"], &["locality", "rse_expression", "limit"]);
/// Types of limits: for one RSE, or for all RSEs of an expression together.
pub(crate) const LOCALITIES: [&str; 2] = ["local", "global"];

group! {
    List(list::Args),
    #[command(alias = "add")]
    Set(set::Args),
    #[command(alias = "remove")]
    Unset(unset::Args),
}

/// Parses a number of bytes as sent by the server: a number, or `"inf"`.
pub(in crate::cli::commands) fn bytes(value: &Value) -> Option<Num> {
    match value.as_str() {
        Some(text) => text.parse().ok().map(Num::Float),
        None => Num::from_json(value),
    }
}

/// Builds a table with its rows sorted as text.
fn sorted_table<const N: usize>(headers: [&str; N], mut rows: Vec<[String; N]>) -> Table {
    rows.sort();
    let mut table = Table::psql(headers);
    for row in rows {
        table.row(row);
    }
    table
}
