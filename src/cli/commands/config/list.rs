//! `rucio config list`

use serde_json::{Value, json};

use super::SHAPE;
use crate::api;
use crate::cli::context::Context;
use crate::cli::leaf::PrintsList;
use crate::cli::ui::Listing;
use crate::cli::ui::values::to_str;
use crate::error::{Error, Result};
use crate::types::Attributes;

/// Show the server configuration stored in its database
///
/// Example: rucio config list --section policy
#[derive(Debug, clap::Args)]
#[command(add = PrintsList)]
pub(crate) struct Args {
    /// Show only this section
    #[arg(short, long)]
    pub section: Option<String>,
    /// Show only this key of the section
    #[arg(short, long)]
    pub key: Option<String>,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let client = context.client()?;
    let sections = match (args.section, args.key) {
        (None, None) => api::config::all(client).await?,
        (None, Some(_)) => return Err(Error::value("--section not specified: a key is in a section".to_owned())),
        (Some(section), None) => {
            let options = api::config::section(client, &section).await?;
            Attributes::from_iter([(section, Value::Object(options))])
        }
        (Some(section), Some(key)) => {
            let value = api::config::option(client, &section, &key).await?;
            Attributes::from_iter([(section, json!({key: value}))])
        }
    };
    show(context, &sections)
}

fn show(context: &Context, sections: &Attributes) -> Result<()> {
    let mut list = context.ui.list(SHAPE);
    for (section, options) in sections {
        context.ui.line(&format!("[{section}]"))?;
        for (option, value) in options.as_object().into_iter().flatten() {
            line(&mut list, section, option, value)?;
        }
    }
    list.end()
}

fn line(list: &mut Listing, section: &str, option: &str, value: &Value) -> Result<()> {
    let record = json!({"section": section, "option": option, "value": value});
    list.line(&record, || format!("{option}={}", to_str(value)))
}
