//! `rucio subscription touch`

use serde_json::json;

use crate::api;
use crate::cli::context::Context;
use crate::cli::ui::Shape;
use crate::cli::value_kind::ValueKind;
use crate::error::Result;

/// Re-evaluate DIDs against all subscriptions, as if they were new
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// DIDs (scope:name), separated by spaces or commas
    #[arg(required = true, add = ValueKind::Did)]
    pub dids: Vec<String>,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let client = context.client()?;
    let mut list = context.ui.list(Shape::did(&["scope", "name"]));
    for text in args.dids.iter().flat_map(|dids| dids.split(',')) {
        let did = context.did(text)?;
        api::dids::set_metadata(client, &did, "is_new", &json!(true), false).await?;
        list.record(&did)?;
    }
    list.end()
}
