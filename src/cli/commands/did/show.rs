//! `rucio did show`

use super::fields;
use crate::api;
use crate::cli::context::Context;
use crate::error::Result;

/// Show type, size and status of DIDs
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The DIDs
    pub dids: Vec<String>,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let client = context.client()?;
    for (number, text) in args.dids.iter().enumerate() {
        let status = api::dids::get(client, &context.did(text)?, "DATASET").await?;
        if number > 0 {
            context.ui.line("------")?;
        }
        context.ui.table(&fields(status))?;
    }
    Ok(())
}
