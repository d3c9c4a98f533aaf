//! `rucio did update`

use crate::api;
use crate::cli::context::Context;
use crate::error::Result;

/// Close or reopen datasets and containers, or mark DIDs as used today
///
/// Example: rucio did update --close user.jdoe:analysis.1
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The DIDs
    pub dids: Vec<String>,
    /// With --touch: only the replica at this RSE
    #[arg(long, alias = "rse-name")]
    pub rse: Option<String>,
    /// Mark the DIDs as used today, which is also done without any of the three
    #[arg(long, overrides_with_all = ["open", "close"])]
    pub touch: bool,
    /// Reopen the collections; for privileged accounts only
    #[arg(long, overrides_with_all = ["touch", "close"])]
    pub open: bool,
    /// Close the collections
    #[arg(long, overrides_with_all = ["touch", "open"])]
    pub close: bool,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let client = context.client()?;
    for text in &args.dids {
        let did = context.did(text)?;
        if !args.open && !args.close {
            api::traces::touch(client, &did, args.rse.as_deref()).await?;
            continue;
        }
        api::dids::set_open(client, &did, args.open).await?;
        let done = if args.open { "reopened" } else { "closed" };
        context.ui.line(&format!("{did} has been {done}."))?;
    }
    Ok(())
}
