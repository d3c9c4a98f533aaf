//! `rucio did show`

use super::fields;
use crate::api;
use crate::cli::context::Context;
use crate::cli::ui::Shape;
use crate::cli::value_kind::ValueKind;
use crate::error::Result;

const SHAPE: Shape = Shape::did(&["scope", "name", "type", "account", "open", "bytes", "length", "expired_at"]);

/// Show type, size and status of DIDs
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// DIDs to show
    #[arg(add = ValueKind::Did)]
    pub dids: Vec<String>,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let client = context.client()?;
    let mut list = context.ui.list(SHAPE);
    for (number, text) in args.dids.iter().enumerate() {
        let status = api::dids::get(client, &context.did(text)?, "DATASET").await?;
        if number > 0 {
            context.ui.line("------")?;
        }
        context.ui.table(&fields(&status))?;
        list.record(&status)?;
    }
    list.end()
}
