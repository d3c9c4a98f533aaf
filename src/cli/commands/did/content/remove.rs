//! `rucio did content remove`

use crate::api;
use crate::cli::context::Context;
use crate::error::Result;

/// Detach DIDs from a dataset or a container
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The collection to detach from
    #[arg(short, long, value_name = "DID")]
    pub from_did: String,
    /// What to detach
    pub dids: Vec<String>,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let from = context.did(&args.from_did)?;
    api::dids::detach(context.client()?, &from, &context.dids(&args.dids)?).await?;
    context.ui.line(&format!("DIDs successfully detached from {from}"))
}
