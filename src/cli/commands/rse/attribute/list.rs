//! `rucio rse attribute list`

use crate::api;
use crate::cli::context::Context;
use crate::cli::ui::Table;
use crate::cli::ui::values::to_str;
use crate::error::Result;
use crate::types::Attributes;

/// List the attributes of an RSE
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The RSE
    pub rse_name: String,
    /// Sorted and in columns, as `list-rse-attributes` shows them
    #[arg(skip)]
    pub columns: bool,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let attributes = api::rses::attributes(context.client()?, &args.rse_name).await?;
    match args.columns {
        true => context.ui.table(&columns(attributes)),
        false => attributes.iter().try_for_each(|(key, value)| context.ui.line(&format!("{key}: {}", to_str(value)))),
    }
}

fn columns(mut attributes: Attributes) -> Table {
    attributes.sort_keys();
    let mut table = Table::plain().without_numbers();
    for (key, value) in &attributes {
        table.row([format!("{key}:"), to_str(value)]);
    }
    table
}
