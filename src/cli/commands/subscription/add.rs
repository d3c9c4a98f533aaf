//! `rucio subscription add`

use serde_json::json;

use super::{Definition, owner};
use crate::api;
use crate::cli::context::Context;
use crate::cli::ui::Shape;
use crate::error::Result;

/// Create a subscription: add rules to matching new DIDs automatically
///
/// Example: rucio subscription add --filter '{"scope": ["test"]}' --rule '[{"copies": 1, "rse_expression": "XRD1"}]' tests
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pub definition: Definition,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let client = context.client()?;
    let name = args.definition.subscription_name.clone();
    let account = owner(client, args.definition.options.account.as_deref()).await?;
    let id = api::subscriptions::add(client, &account, &name, &args.definition.options()?).await?;
    let record = json!({"id": id, "account": account, "name": name});
    context.ui.one(Shape::named(&["id"], &[]), &record, || format!("Subscription added {id}"))
}
