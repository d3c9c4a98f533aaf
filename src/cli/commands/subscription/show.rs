//! `rucio subscription show`

use super::{SHAPE, account_of, text};
use crate::cli::context::Context;
use crate::cli::value_kind::ValueKind;
use crate::error::Result;
use crate::lists;

/// Show a subscription
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Subscription name
    #[arg(add = ValueKind::Subscription)]
    pub subscription_name: String,
    /// Account that owns the subscription [default: your own]
    #[arg(short, long, add = ValueKind::Account)]
    pub account: Option<String>,
    /// Show all fields
    #[arg(long)]
    pub long: bool,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let client = context.client()?;
    let account = account_of(client, args.account.as_deref());
    // Without an account there may be several: the name is unique only within an account.
    let mut found = lists::subscriptions(client, account, Some(&args.subscription_name)).await?;
    let mut list = context.ui.list(SHAPE);
    while let Some(subscription) = found.next().await? {
        list.line(&subscription, || text(&subscription, args.long))?;
    }
    list.end()
}
