//! `rucio did content history`

use crate::cli::commands::did::did_table;
use crate::cli::context::Context;
use crate::cli::leaf::PrintsList;
use crate::cli::ui::Shape;
use crate::cli::value_kind::ValueKind;
use crate::error::Result;
use crate::lists;

const SHAPE: Shape =
    Shape::did(&["scope", "name", "type", "bytes", "adler32", "md5", "created_at", "updated_at", "deleted_at"]);

/// List DIDs that were detached from datasets and containers
#[derive(Debug, clap::Args)]
#[command(add = PrintsList)]
pub(crate) struct Args {
    /// Collections to list
    #[arg(required = true, add = ValueKind::Did)]
    pub dids: Vec<String>,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let client = context.client()?;
    let mut list = context.ui.list(SHAPE).with_table(did_table());
    for text in &args.dids {
        let mut history = lists::content_history(client, &context.did(text)?).await?.raw();
        while let Some(entry) = history.next().await? {
            list.row(&entry, || [entry.did.to_string(), entry.did_type.to_uppercase()])?;
        }
    }
    list.end()
}
