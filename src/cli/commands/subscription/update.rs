//! `rucio subscription update`

use serde_json::json;

use super::{Definition, owner};
use crate::api;
use crate::cli::context::Context;
use crate::cli::ui::Shape;
use crate::error::Result;

/// Replace the filter and rules of a subscription
///
/// Comment, lifetime and priority stay unchanged unless given.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pub definition: Definition,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let client = context.client()?;
    let name = args.definition.subscription_name.clone();
    let account = owner(client, args.definition.options.account.as_deref()).await?;
    api::subscriptions::update(client, &account, &name, &args.definition.options()?).await?;
    context.ui.record(Shape::named(&["name"], &[]), &json!({"account": account, "name": name}))
}
