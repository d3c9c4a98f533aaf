//! `rucio rse limit set`

use serde_json::json;

use crate::api;
use crate::cli::commands::rse::{ACTION, explained};
use crate::cli::context::Context;
use crate::cli::tree::Tree;
use crate::cli::value_kind::ValueKind;
use crate::error::{Error, Result};

/// Set a limit of an RSE
///
/// Example: rucio rse limit set XRD1 --limit MinFreeSpace 10000
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// RSE name
    #[arg(add = ValueKind::Rse)]
    pub rse_name: String,
    /// Name of the limit, and its value in bytes
    #[arg(long, num_args = 2, value_names = ["NAME", "BYTES"], required = true, allow_negative_numbers = true)]
    pub limit: Vec<String>,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    // If --limit is given twice, the last one wins.
    let [.., name, value] = &args.limit[..] else {
        return Err(Error::value("--limit takes a name and a number of bytes".to_owned()));
    };
    let bytes = value.trim().parse::<i64>();
    let bytes = bytes.map_err(|_| {
        let what = "The RSE limit value must be an integer";
        Error::value(match context.tree {
            Tree::Commands => format!("'{value}' is not a valid integer. {what}: a number of bytes"),
            Tree::Legacy | Tree::Admin => format!("{what}: {value:?} is not a number of bytes"),
        })
    })?;
    api::rses::limits::set(context.client()?, &args.rse_name, name, bytes).await.map_err(explained)?;
    tracing::info!("Set RSE limit successfully for {}: {name} = {bytes}", args.rse_name);
    context.ui.record(ACTION, &json!({"rse": args.rse_name, "name": name, "value": bytes}))
}
