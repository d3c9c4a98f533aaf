//! `rucio-admin data import`

use clap::ValueHint;

use serde_json::{Value, json};

use crate::api;
use crate::cli::context::Context;
use crate::cli::ui::Shape;
use crate::error::{Error, Result};

/// Import RSEs, distances, accounts and identities from a JSON file, so that the server matches it
///
/// Reads the output of `data export`. Example: rucio-admin data import catalogue.json
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// File to read
    #[arg(value_hint = ValueHint::AnyPath)]
    pub file_path: String,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let data = read(context, &args.file_path)?;
    let client = context.client()?;
    match data {
        Value::Object(fields) if fields.is_empty() => nothing(context),
        Value::Array(items) if items.is_empty() => nothing(context),
        Value::Null => nothing(context),
        data @ Value::Object(_) => api::data::import(client, data).await,
        _ => Err(Error::value(format!("{} is not a JSON object.", args.file_path))),
    }?;
    let shape = Shape::named(&["file_path"], &[]);
    context.ui.one(shape, &json!({"file_path": args.file_path}), || "Data successfully imported.".to_owned())
}

fn nothing(context: &Context) -> Result<()> {
    context.ui.line("Nothing to import.")?;
    Err(Error::value("Nothing to import: the file is empty.".to_owned()))
}

fn read(context: &Context, path: &str) -> Result<Value> {
    let text = match crate::input_file::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            context.ui.line("There was a problem with reading your file.")?;
            context.ui.line(&super::os_error(&error, path))?;
            return Err(Error::io(format!("Cannot read {path}"), error));
        }
    };
    match serde_json::from_str(&text) {
        Ok(data) => Ok(data),
        Err(error) => {
            context.ui.line("There was problem with decoding your file.")?;
            Err(Error::value(format!("{path} is not JSON: {error}")))
        }
    }
}
