//! Lists the datasets that have files at an RSE.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::cli::context::Context;
use crate::cli::ui::values::member_str;
use crate::cli::ui::{Format, Shape, Table};
use crate::error::Result;
use crate::lists::CompleteList;
use crate::types::DatasetAtRse;

const SHAPE: Shape =
    Shape::did(&["scope", "name", "rse", "available_length", "length", "available_bytes", "bytes", "state"]);

pub(super) async fn show(context: &Context, rows: CompleteList<'_, DatasetAtRse>, long: bool) -> Result<()> {
    match context.ui.format() {
        Format::Table if !long => names(context, rows).await,
        _ => table(context, rows).await,
    }
}

/// Prints only the names, sorted, each once.
async fn names(context: &Context, mut rows: CompleteList<'_, DatasetAtRse>) -> Result<()> {
    let mut names = BTreeSet::new();
    while let Some(row) = rows.next().await? {
        names.insert(row.did.to_string());
    }
    context.ui.line("SCOPE:NAME\n----------")?;
    names.iter().try_for_each(|name| context.ui.line(name))
}

/// Prints names and counts. Name and number of files share a column, as in the official client.
async fn table(context: &Context, rows: CompleteList<'_, DatasetAtRse>) -> Result<()> {
    let table = Table::psql(["DID", "LOCAL FILES/TOTAL FILES", "LOCAL BYTES/TOTAL BYTES"]);
    let mut rows = rows.raw();
    let mut list = context.ui.list(SHAPE).with_table(table);
    let of = |part: &Value, whole: &Value| format!("{}/{}", member_str(part), member_str(whole));
    while let Some(row) = rows.next().await? {
        list.row(&row, || {
            let files = of(&row.available_length, &row.length);
            [format!("{}{files}", row.did), of(&row.available_bytes, &row.bytes)]
        })?;
    }
    list.end()
}
