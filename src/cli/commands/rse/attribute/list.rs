//! `rucio rse attribute list`

use serde_json::json;

use crate::api;
use crate::cli::commands::rse::explained;
use crate::cli::compat::CompatOptions;
use crate::cli::context::Context;
use crate::cli::leaf::PrintsList;
use crate::cli::ui::values::to_str;
use crate::cli::ui::{Shape, Table};
use crate::cli::value_kind::ValueKind;
use crate::error::Result;

const SHAPE: Shape = Shape::named(&["key"], &["key", "value"]);

/// List the attributes of an RSE
#[derive(Debug, clap::Args)]
#[command(add = PrintsList)]
pub(crate) struct Args {
    /// RSE name
    #[arg(add = ValueKind::Rse)]
    pub rse_name: String,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    list(context, args, CompatOptions::default()).await
}

/// Lists the attributes, for a legacy command as `compat` says.
pub(crate) async fn list(context: &Context, args: Args, compat: CompatOptions) -> Result<()> {
    let mut attributes = api::rses::attributes(context.client()?, &args.rse_name).await.map_err(explained)?;
    let mut list = context.ui.list(SHAPE);
    if compat.aligned_attributes {
        attributes.sort_keys();
        list = list.with_table(Table::plain().without_numbers());
    }
    for (key, value) in &attributes {
        let record = json!({"key": key, "value": value});
        if compat.aligned_attributes {
            list.row(&record, || [format!("{key}:"), to_str(value)])?;
        } else {
            list.line(&record, || format!("{key}: {}", to_str(value)))?;
        }
    }
    list.end()
}
