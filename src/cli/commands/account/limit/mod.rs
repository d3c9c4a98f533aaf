//! `rucio account limit ...`

pub(crate) mod list;
pub(crate) mod quota;

use clap::Subcommand;
use serde_json::Value;

use crate::cli::context::Context;
use crate::cli::ui::Table;
use crate::cli::ui::values::Num;
use crate::error::Result;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    List(list::Args),
}

impl Command {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::List(args) => list::run(context, args).await,
        }
    }
}

/// A number of bytes as the server sends it: a number, or `"inf"`.
fn bytes(value: &Value) -> Option<Num> {
    match value.as_str() {
        Some(text) => text.parse().ok().map(Num::Float),
        None => Num::of(value),
    }
}

/// A table whose rows stand in the order of their text.
fn sorted_table<const N: usize>(headers: [&str; N], mut rows: Vec<[String; N]>) -> Table {
    rows.sort();
    let mut table = Table::psql(headers);
    for row in rows {
        table.row(row);
    }
    table
}
