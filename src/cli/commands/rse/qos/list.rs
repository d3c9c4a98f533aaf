//! `rucio rse qos list`

use serde_json::json;

use crate::api;
use crate::cli::commands::rse::explained;
use crate::cli::context::Context;
use crate::cli::leaf::PrintsList;
use crate::cli::ui::Shape;
use crate::cli::value_kind::ValueKind;
use crate::error::Result;

const SHAPE: Shape = Shape::named(&["qos_policy"], &["rse", "qos_policy"]);

/// List the QoS policies of an RSE
#[derive(Debug, clap::Args)]
#[command(add = PrintsList)]
pub(crate) struct Args {
    /// RSE name
    #[arg(add = ValueKind::Rse)]
    pub rse_name: String,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let mut policies = api::rses::qos::list(context.client()?, &args.rse_name).await.map_err(explained)?;
    policies.sort_unstable();
    let mut list = context.ui.list(SHAPE);
    for policy in policies {
        list.line(&json!({"rse": args.rse_name, "qos_policy": policy}), || policy.clone())?;
    }
    list.end()
}
