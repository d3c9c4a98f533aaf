//! `rucio subscription show`

use super::{SHAPE, account_of, text};
use crate::api;
use crate::cli::context::Context;
use crate::error::Result;

/// Show a subscription
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The subscription
    pub subscription_name: String,
    /// Whose it is, if not your own
    #[arg(short, long)]
    pub account: Option<String>,
    /// All fields
    #[arg(long)]
    pub long: bool,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let client = context.client()?;
    let account = account_of(client, args.account.as_deref());
    // Several accounts may have one of this name, so without an account there may be several.
    for found in api::subscriptions::list(client, account, Some(&args.subscription_name)).await?.collect().await? {
        context.ui.one(SHAPE, &found, || text(&found, args.long))?;
    }
    Ok(())
}
