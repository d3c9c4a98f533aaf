//! `rucio subscription list`

use super::{SHAPE, account_of, text};
use crate::api;
use crate::cli::context::Context;
use crate::error::Result;
use crate::exceptions::Exception;

/// List the subscriptions of an account
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Whose subscriptions, if not your own; * is everybody
    #[arg(long)]
    pub account: Option<String>,
    /// All fields of each
    #[arg(long)]
    pub long: bool,
    /// Only those of this name, which the admin tree can ask for
    #[arg(skip)]
    pub name: Option<String>,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let client = context.client()?;
    let account = account_of(client, args.account.as_deref());
    let name = args.name.as_deref().filter(|name| !name.is_empty());
    let mut list = context.ui.list(SHAPE);
    // The server calls it an error when there is none.
    let mut subscriptions = match api::subscriptions::list(client, account, name).await {
        Err(error) if error.class() == Some(Exception::SubscriptionNotFound) => return list.end(),
        found => found?.raw(),
    };
    while let Some(subscription) = subscriptions.next().await? {
        list.line(&subscription, || text(&subscription, args.long))?;
    }
    list.end()
}
