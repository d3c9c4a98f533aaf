//! `rucio-admin data export`

use clap::ValueHint;

use serde_json::{Value, json};

use crate::api;
use crate::cli::context::Context;
use crate::cli::ui::Shape;
use crate::error::{Error, Result};
use crate::exceptions::Exception;

/// Export RSEs, distances, accounts and identities to a JSON file
///
/// Example: rucio-admin data export catalogue.json
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// File to write
    #[arg(value_hint = ValueHint::AnyPath)]
    pub file_path: String,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    context.ui.line("Start querying data.")?;
    let data = api::data::export(context.client()?).await?;
    check(&data)?;
    if let Err(error) = std::fs::write(&args.file_path, &data) {
        context.ui.line("There was a problem with reading your file.")?;
        context.ui.line(&super::os_error(&error, &args.file_path))?;
        return Err(Error::io(format!("Cannot write {}", args.file_path), error));
    }
    let shape = Shape::named(&["file_path"], &[]);
    context.ui.one(shape, &json!({"file_path": args.file_path}), || {
        format!("File successfully written.\nData successfully exported to {}", args.file_path)
    })
}

/// Checks that the response is a JSON object, not the answer of a proxy. Python's numbers that are not JSON (`NaN`,
/// `Infinity`) are accepted.
fn check(data: &str) -> Result<()> {
    match crate::http::parse::<Value>(data.as_bytes())? {
        Value::Object(_) => Ok(()),
        _ => Err(Error::new(Exception::RucioException, "The server's response is not an export.")),
    }
}
