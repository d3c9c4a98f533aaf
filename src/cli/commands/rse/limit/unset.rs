//! `rucio rse limit unset`

use serde_json::json;

use crate::api::rses::limits;
use crate::cli::commands::rse::{ACTION, explained};
use crate::cli::context::Context;
use crate::cli::value_kind::ValueKind;
use crate::error::{Error, Result};
use crate::exceptions::Exception;

/// Remove a limit from an RSE
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// RSE name
    #[arg(add = ValueKind::Rse)]
    pub rse_name: String,
    /// Name of the limit
    #[arg(long)]
    pub limit: String,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let (client, Args { rse_name, limit }) = (context.client()?, args);
    if !limits::get(client, &rse_name).await.map_err(explained)?.contains_key(&limit) {
        let message = format!("Limit {limit} not defined in RSE {rse_name}");
        return Err(Error::new(Exception::InputValidationError, message)
            .with_hint(format!("List its limits: `rucio rse show {rse_name}`.")));
    }
    limits::unset(client, &rse_name, &limit).await?;
    tracing::info!("Deleted RSE limit successfully for {rse_name}: {limit}");
    context.ui.record(ACTION, &json!({"rse": rse_name, "name": limit}))
}
