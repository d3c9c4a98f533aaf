//! `rucio did metadata set`

use serde_json::{Value, json};

use crate::api;
use crate::api::metadata::LIFETIME;
use crate::cli::commands::did::DONE;
use crate::cli::context::Context;
use crate::cli::duration;
use crate::cli::value_kind::ValueKind;
use crate::error::{Error, Result};

/// Set a metadata key of a DID
///
/// Example: rucio did metadata set user.jdoe:analysis.1 --key project --value mc23
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// DID to change
    #[arg(add = ValueKind::Did)]
    pub did: String,
    /// Key to set; lifetime is the time until the DID expires: seconds, or 14d
    #[arg(long, allow_hyphen_values = true, add = ValueKind::MetadataKey)]
    pub key: String,
    /// New value; a lifetime of None means that the DID does not expire
    #[arg(long, allow_hyphen_values = true)]
    pub value: String,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let value = if args.key == LIFETIME { lifetime(&args.value)? } else { args.value.into() };
    let did = context.did(&args.did)?;
    api::metadata::set(context.client()?, &did, &args.key, &value).await?;
    let record = json!({"scope": did.scope, "name": did.name, "key": args.key, "value": value});
    context.ui.record(DONE, &record)
}

/// Parses a number of seconds or a duration, or `None` for no expiry.
fn lifetime(text: &str) -> Result<Value> {
    if text.eq_ignore_ascii_case("none") {
        return Ok(Value::Null);
    }
    match duration::seconds(text.trim()) {
        Ok(seconds) if seconds.is_finite() => Ok(seconds.into()),
        _ => Err(Error::value(format!(
            "Invalid lifetime {text:?}: expected a number of seconds, a duration such as 14d, or None."
        ))),
    }
}
