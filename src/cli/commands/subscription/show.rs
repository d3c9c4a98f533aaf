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
    let mut found = api::subscriptions::list(client, account, Some(&args.subscription_name)).await?;
    let mut list = context.ui.list(SHAPE);
    while let Some(subscription) = found.next().await? {
        list.line(&subscription, || text(&subscription, args.long))?;
    }
    list.end()
}
