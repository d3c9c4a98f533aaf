//! `rucio subscription list`

use super::{SHAPE, account_of, text};
use crate::cli::context::Context;
use crate::cli::leaf::PrintsList;
use crate::cli::value_kind::ValueKind;
use crate::error::Result;
use crate::exceptions::Exception;
use crate::lists;

/// List the subscriptions of an account
#[derive(Debug, clap::Args)]
#[command(add = PrintsList)]
pub(crate) struct Args {
    /// Account that owns the subscriptions; * for all accounts [default: your own]
    #[arg(long, add = ValueKind::Account)]
    pub account: Option<String>,
    /// Show all fields of each subscription
    #[arg(long)]
    pub long: bool,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    list(context, args, None).await
}

/// Lists the subscriptions; with a name only those of this name.
pub(crate) async fn list(context: &Context, args: Args, name: Option<&str>) -> Result<()> {
    let client = context.client()?;
    let account = account_of(client, args.account.as_deref());
    let name = name.filter(|name| !name.is_empty());
    let mut list = context.ui.list(SHAPE);
    // The server reports an empty list as an error.
    let mut subscriptions = match lists::subscriptions(client, account, name).await {
        Err(error) if error.class() == Some(Exception::SubscriptionNotFound) => return list.end(),
        found => found?.raw(),
    };
    while let Some(subscription) = subscriptions.next().await? {
        list.line(&subscription, || text(&subscription, args.long))?;
    }
    list.end()
}
