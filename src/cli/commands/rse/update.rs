//! `rucio rse update`

use serde_json::{Value, json};

use super::{ACTION, explained};
use crate::api;
use crate::cli::context::Context;
use crate::cli::ui::values::to_str;
use crate::cli::value_kind::ValueKind;
use crate::error::Result;

/// Update a setting of an RSE
///
/// Example: rucio rse update XRD1 --key availability_write --value False
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// RSE name
    #[arg(add = ValueKind::Rse)]
    pub rse_name: String,
    /// Setting: availability_read, deterministic, rse_type, city, ...
    #[arg(long, add = ValueKind::RseAttribute)]
    pub key: String,
    /// New value; an empty value, none or null clears qos_class
    #[arg(long, allow_hyphen_values = true)]
    pub value: String,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let value = parse_bool(&args.value).map_or_else(|| Value::from(args.value.as_str()), Value::from);
    update(context, &args.rse_name, &args.key, value).await
}

/// Updates a setting of an RSE.
pub(crate) async fn update(context: &Context, rse: &str, key: &str, value: Value) -> Result<()> {
    api::rses::update(context.client()?, rse, key, &value).await.map_err(explained)?;
    let record = json!({"rse": rse, "key": key, "value": value});
    context.ui.one(ACTION, &record, || {
        let shown = to_str(&value);
        let wiped = matches!(shown.to_lowercase().as_str(), "" | "none" | "null");
        let shown = if wiped { "[WIPED]" } else { &shown };
        format!("Updated RSE {rse} settings {key} to {shown}")
    })
}

/// Parses a Boolean as click does. Returns `None` for other text.
fn parse_bool(text: &str) -> Option<bool> {
    match text.trim().to_lowercase().as_str() {
        "1" | "true" | "t" | "yes" | "y" | "on" => Some(true),
        "0" | "false" | "f" | "no" | "n" | "off" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_are_parsed_as_by_click() {
        for (text, expected) in [
            ("True", Some(true)),
            ("0", Some(false)),
            (" on ", Some(true)),
            ("tRUE", Some(true)),
            ("n", Some(false)),
            ("", None),
            ("2", None),
        ] {
            assert_eq!(parse_bool(text), expected, "{text:?}");
        }
    }
}
