//! `rucio did remove`

use serde_json::{Value, json};

use super::DONE;
use crate::api;
use crate::cli::context::Context;
use crate::cli::value_kind::ValueKind;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::http::Client;
use crate::types::Did;

/// Seconds between the command and the deletion of a DID; until then it can be cancelled.
const GRACE: u32 = 86_400;

/// Delete DIDs and their replicas after 24 hours
///
/// Until then, --undo cancels the deletion.
///
/// Example: rucio did remove user.jdoe:analysis.1
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// DIDs to delete, without wildcards
    #[arg(add = ValueKind::Did)]
    pub dids: Vec<String>,
    /// Cancel the deletion
    #[arg(long)]
    pub undo: bool,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let client = context.client()?;
    let lifetime = if args.undo { Value::Null } else { GRACE.into() };
    let mut list = context.ui.list(DONE);
    let mut failure = None;
    for text in &args.dids {
        match set_lifetime(context, client, text, &lifetime).await {
            Ok(did) => {
                let record = json!({"scope": did.scope, "name": did.name, "lifetime": lifetime});
                if args.undo {
                    tracing::info!("Erase undo for DID: {did}")
                } else {
                    announce(context, &did)?
                }
                list.record(&record)?;
            }
            Err(error) => {
                warn(text, &error, args.undo);
                failure.get_or_insert(error);
            }
        }
    }
    list.end()?;
    failure.map_or(Ok(()), Err)
}

/// Logs that a DID was not changed, in the words of the official client.
fn warn(text: &str, error: &Error, undo: bool) {
    if text.contains('*') {
        tracing::warn!("This command doesn't support wildcards! Skipping DID: {text}");
    } else if error.status().is_none() && error.class() == Some(Exception::RucioException) {
        tracing::warn!("DID is in wrong format: {text}");
    } else if undo {
        tracing::warn!(
            "Cannot undo erase operation on DID. DID not existent or grace period of 24 hours already expired."
        );
        tracing::warn!("    DID: {text}");
    } else {
        tracing::warn!("Failed to erase DID: {text}");
    }
}

/// Logs the time until the deletion, and prints the command that cancels it.
fn announce(context: &Context, did: &Did) -> Result<()> {
    tracing::info!(
        "CAUTION! erase operation is irreversible after 24 hours. To cancel this operation you can run the following \
         command:"
    );
    context.ui.line(&format!("rucio erase --undo {did}"))
}

async fn set_lifetime(context: &Context, client: &Client, text: &str, lifetime: &Value) -> Result<Did> {
    if text.contains('*') {
        let message = format!("{text:?} contains a wildcard, which this command does not accept.");
        let hint = format!("List the matching DIDs: rucio did list --short --filter type=all '{text}'");
        return Err(Error::new(Exception::InputValidationError, message).with_hint(hint));
    }
    let did = context.did(text)?;
    api::metadata::set(client, &did, api::metadata::LIFETIME, lifetime).await?;
    Ok(did)
}
