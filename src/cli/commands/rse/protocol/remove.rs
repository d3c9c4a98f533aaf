//! `rucio rse protocol remove`

use serde_json::json;

use crate::api::rses::protocols;
use crate::cli::commands::rse::{ACTION, explained};
use crate::cli::context::Context;
use crate::cli::value_kind::ValueKind;
use crate::error::{Error, Result};
use crate::exceptions::Exception;

/// Remove protocols from an RSE: all of a scheme, or only those at one host and port
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// RSE name
    #[arg(add = ValueKind::Rse)]
    pub rse_name: String,
    /// URL scheme: https, davs, root, ...
    #[arg(long)]
    pub scheme: String,
    /// Remove only protocols at this host
    #[arg(long, aliases = ["host-name", "host"])]
    pub hostname: Option<String>,
    /// Remove only protocols at this port; requires --hostname
    #[arg(long, allow_negative_numbers = true)]
    pub port: Option<i64>,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let hostname = args.hostname.as_deref().filter(|hostname| !hostname.is_empty());
    if args.port.is_some() && hostname.is_none() {
        let message = "--port requires --hostname: without it, the protocols at all ports would be removed.";
        return Err(Error::new(Exception::InputValidationError, message)
            .with_hint(format!("List the protocols with their hosts: `rucio rse show {}`.", args.rse_name)));
    }
    let place = hostname.map(|hostname| (hostname, args.port));
    protocols::remove(context.client()?, &args.rse_name, &args.scheme, place).await.map_err(explained)?;
    let record = json!({"rse": args.rse_name, "scheme": args.scheme, "hostname": hostname, "port": args.port});
    context.ui.record(ACTION, &record)
}
