//! `rucio did update`

use serde_json::{Value, json};

use super::DONE;
use crate::api;
use crate::cli::context::Context;
use crate::cli::ui::Listing;
use crate::cli::value_kind::ValueKind;
use crate::error::Result;
use crate::http::Client;
use crate::types::Did;

/// Close or reopen datasets and containers, or update the last-access time of DIDs
///
/// Example: rucio did update --close user.jdoe:analysis.1
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// DIDs to update
    #[arg(add = ValueKind::Did)]
    pub dids: Vec<String>,
    /// Update only the replica at this RSE (with --touch)
    #[arg(long, alias = "rse-name", add = ValueKind::Rse)]
    pub rse: Option<String>,
    /// Update the last-access time of the DIDs (default action)
    #[arg(long, overrides_with_all = ["open", "close"])]
    pub touch: bool,
    /// Reopen the collections (privileged accounts only)
    #[arg(long, overrides_with_all = ["touch", "close"])]
    pub open: bool,
    /// Close the collections
    #[arg(long, overrides_with_all = ["touch", "open"])]
    pub close: bool,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let client = context.client()?;
    let rse = args.rse.as_deref().filter(|rse| !rse.is_empty());
    let mut list = context.ui.list(DONE);
    for text in &args.dids {
        let did = context.did(text)?;
        if args.open || args.close {
            set_open(client, &mut list, &did, args.open).await?
        } else {
            touch(client, &mut list, &did, rse).await?
        }
    }
    list.end()
}

async fn set_open(client: &Client, list: &mut Listing<'_>, did: &Did, open: bool) -> Result<()> {
    api::dids::set_open(client, did, open).await?;
    let record = json!({"scope": did.scope, "name": did.name, "open": open});
    let done = if open { "reopened" } else { "closed" };
    list.line(&record, || format!("{did} has been {done}."))
}

async fn touch(client: &Client, list: &mut Listing<'_>, did: &Did, rse: Option<&str>) -> Result<()> {
    api::traces::touch(client, did, rse).await?;
    let mut record = json!({"scope": did.scope, "name": did.name});
    if let Some(rse) = rse {
        record["rse"] = Value::from(rse);
    }
    list.record(&record)
}
