//! `rucio did metadata list`

use crate::api;
use crate::cli::commands::did::{DONE, fields};
use crate::cli::context::Context;
use crate::cli::value_kind::ValueKind;
use crate::error::Result;

/// Show the metadata of DIDs
///
/// Example: rucio did metadata list --plugin ALL user.jdoe:analysis.1
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// DIDs to show
    #[arg(add = ValueKind::Did)]
    pub dids: Vec<String>,
    /// Metadata plugin of the server to query [default: the one in the configuration, or DID_COLUMN]
    #[arg(long)]
    pub plugin: Option<String>,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let client = context.client()?;
    let plugin = match args.plugin {
        Some(plugin) => plugin,
        None => context.config()?.metadata_default_plugin(),
    };
    let mut list = context.ui.list(DONE);
    for (number, text) in args.dids.iter().enumerate() {
        let did = context.did(text)?;
        let metadata = api::dids::metadata(client, &did, &plugin).await?;
        if number > 0 {
            context.ui.line("------")?;
        }
        context.ui.table(&fields(&metadata))?;
        // Only some plugins return the DID itself.
        if metadata.contains_key("scope") {
            list.record(&metadata)?
        } else {
            list.record(&metadata.with_fields_before(&did)?)?
        }
    }
    list.end()
}
