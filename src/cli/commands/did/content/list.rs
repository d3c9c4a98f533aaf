//! `rucio did content list`

use crate::api;
use crate::cli::commands::did::did_table;
use crate::cli::context::Context;
use crate::error::Result;

/// List what datasets and containers directly hold
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The collections
    #[arg(required = true)]
    pub dids: Vec<String>,
    /// Only the DIDs, one a line
    #[arg(long)]
    pub short: bool,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let client = context.client()?;
    let mut rows = Vec::new();
    for text in &args.dids {
        let mut content = api::dids::content(client, &context.did(text)?).await?;
        while let Some(entry) = content.next().await? {
            rows.push([entry.did.to_string(), entry.did_type.to_uppercase()]);
        }
    }
    if args.short {
        return rows.iter().try_for_each(|[did, _]| context.ui.line(did));
    }
    let mut table = did_table();
    for row in rows {
        table.row(row);
    }
    context.ui.table(&table)
}
