//! `rucio rse qos add`

use serde_json::json;

use crate::api;
use crate::cli::commands::rse::{ACTION, explained};
use crate::cli::context::Context;
use crate::cli::value_kind::ValueKind;
use crate::error::Result;

/// Add a QoS policy to an RSE
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// RSE name
    #[arg(add = ValueKind::Rse)]
    pub rse_name: String,
    /// Name of the QoS policy
    #[arg(long)]
    pub policy: String,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let Args { rse_name, policy } = args;
    api::rses::qos::add(context.client()?, &rse_name, &policy).await.map_err(explained)?;
    context.ui.one(ACTION, &json!({"rse": rse_name, "qos_policy": policy}), || {
        format!("Added QoS policy to RSE {rse_name}: {policy}")
    })
}
