//! `rucio account attribute list`

use crate::api;
use crate::cli::context::Context;
use crate::cli::leaf::PrintsList;
use crate::cli::ui::{Cell, Shape, Table};
use crate::cli::value_kind::ValueKind;
use crate::error::Result;

const SHAPE: Shape = Shape::named(&["key"], &["key", "value"]);

/// List the attributes of an account
#[derive(Debug, clap::Args)]
#[command(add = PrintsList)]
pub(crate) struct Args {
    /// Account whose attributes to list
    #[arg(add = ValueKind::Account)]
    pub account_name: String,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let attributes = api::accounts::attributes(context.client()?, &args.account_name).await?;
    let mut list = context.ui.list(SHAPE).with_table(Table::psql(["Key", "Value"]));
    for attribute in attributes {
        list.row(&attribute, || ["key", "value"].map(|field| attribute.get(field).map_or(Cell::None, Cell::member)))?;
    }
    list.end()
}
