//! `rucio subscription update`

use serde_json::json;

use super::{Definition, owner};
use crate::api;
use crate::cli::context::Context;
use crate::cli::ui::Shape;
use crate::error::Result;

/// Give a subscription another filter and other rules
///
/// What is not told (comment, lifetime, priority) stays as it is.
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
