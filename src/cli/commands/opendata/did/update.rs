//! `rucio opendata did update`

use serde_json::Value;

use super::{ENTRY, State, fields};
use crate::api;
use crate::cli::context::Context;
use crate::cli::value_kind::ValueKind;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::types::Attributes;

/// Update an entry of the open data catalogue
///
/// Example: rucio opendata did update --state public user.jdoe:analysis.1
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// DID (scope:name)
    #[arg(add = ValueKind::Did)]
    did: String,
    /// Metadata in the open data catalogue: a JSON object, which replaces the existing one
    #[arg(long, value_name = "JSON", value_parser = json)]
    meta: Option<Value>,
    /// State; only a closed DID can be made public
    #[arg(long, value_enum, ignore_case = true)]
    state: Option<State>,
    /// Digital object identifier (10.1234/foo.bar), unique among all entries
    #[arg(long)]
    doi: Option<String>,
    /// Number of the record in another system, unique among all entries
    #[arg(long, allow_negative_numbers = true)]
    record_id: Option<i64>,
}

fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("not valid JSON: {error}"))
}

pub(super) async fn run(context: &Context, args: Args) -> Result<()> {
    let did = context.did(&args.did)?;
    let changes = changes(args);
    if changes.is_empty() {
        return Err(Error::value("At least one of --meta, --state, --doi or --record_id must be provided.".to_owned()));
    }
    let outcome =
        api::opendata::update(context.client()?, &did, changes).await.map_err(|error| match error.class() {
            Some(Exception::OpenDataInvalidStateUpdate) => {
                error.with_hint(format!("To close it: `rucio did update --close {did}`."))
            }
            _ => error,
        })?;
    context.ui.one(ENTRY, &outcome, || fields(&outcome).render())
}

fn changes(args: Args) -> Attributes {
    let fields = [
        ("meta", args.meta.filter(|meta| !meta.is_null())),
        ("state", args.state.map(|state| state.name().into())),
        ("doi", args.doi.map(Value::from)),
        ("record_id", args.record_id.map(Value::from)),
    ];
    fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}
