//! `rucio did content list`

use crate::cli::commands::did::{RELATIVE, did_table};
use crate::cli::context::Context;
use crate::cli::leaf::PrintsList;
use crate::cli::value_kind::ValueKind;
use crate::error::Result;
use crate::lists;

/// List the direct content of datasets and containers
#[derive(Debug, clap::Args)]
#[command(add = PrintsList)]
pub(crate) struct Args {
    /// Collections to list
    #[arg(required = true, add = ValueKind::Did)]
    pub dids: Vec<String>,
    /// Print only the DIDs, one per line
    #[arg(long)]
    pub short: bool,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let client = context.client()?;
    let list = context.ui.list(RELATIVE);
    let mut list = if args.short { list } else { list.with_table(did_table()) };
    // Like the official client, print nothing if one of several DIDs does not exist.
    let several = args.dids.len() > 1;
    let mut held = Vec::new();
    for text in &args.dids {
        let mut content = lists::content(client, &context.did(text)?).await?.raw();
        while let Some(entry) = content.next().await? {
            match (args.short, several) {
                (true, true) => {
                    held.push(entry.did.to_string());
                    list.record(&entry)?;
                }
                (true, false) => list.line(&entry, || entry.did.to_string())?,
                (false, _) => list.row(&entry, || [entry.did.to_string(), entry.did_type.to_uppercase()])?,
            }
        }
    }
    held.iter().try_for_each(|did| context.ui.line(did))?;
    list.end()
}
