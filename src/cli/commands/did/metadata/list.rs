//! `rucio did metadata list`

use crate::api;
use crate::cli::commands::did::fields;
use crate::cli::context::Context;
use crate::error::Result;

/// Show the metadata of DIDs
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The DIDs
    pub dids: Vec<String>,
    /// The server's metadata plugin to ask [default: DID_COLUMN, or what the configuration names]
    #[arg(long)]
    pub plugin: Option<String>,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let client = context.client()?;
    let plugin = match args.plugin {
        Some(plugin) => plugin,
        None => context.config()?.metadata_default_plugin(),
    };
    for (number, text) in args.dids.iter().enumerate() {
        let metadata = api::dids::metadata(client, &context.did(text)?, &plugin).await?;
        if number > 0 {
            context.ui.line("------")?;
        }
        context.ui.table(&fields(metadata))?;
    }
    Ok(())
}
