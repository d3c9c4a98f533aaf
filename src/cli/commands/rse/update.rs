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
    /// Treat only true, false, 1 and 0 as Booleans, as `rucio-admin` does
    #[arg(skip)]
    pub few_truths: bool,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let value = match truth(&args.value, args.few_truths) {
        Some(truth) => Value::Bool(truth),
        None => Value::String(args.value),
    };
    api::rses::update(context.client()?, &args.rse_name, &args.key, &value).await.map_err(explained)?;
    let record = json!({"rse": args.rse_name, "key": args.key, "value": value});
    context.ui.one(ACTION, &record, || {
        let shown = to_str(&value);
        let wiped = matches!(shown.to_lowercase().as_str(), "" | "none" | "null");
        let shown = if wiped { "[WIPED]" } else { &shown };
        format!("Updated RSE {} settings {} to {shown}", args.rse_name, args.key)
    })
}

/// Parses a Boolean as click does, or as `rucio-admin` does (`few`). Returns `None` for other text.
fn truth(text: &str, few: bool) -> Option<bool> {
    if few {
        return match text {
            "true" | "True" | "TRUE" | "1" => Some(true),
            "false" | "False" | "FALSE" | "0" => Some(false),
            _ => None,
        };
    }
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
    fn rse_booleans_are_those_of_the_tree() {
        for (text, new, admin) in [
            ("True", Some(true), Some(true)),
            ("0", Some(false), Some(false)),
            (" on ", Some(true), None),
            ("tRUE", Some(true), None),
            ("n", Some(false), None),
            ("", None, None),
            ("2", None, None),
        ] {
            assert_eq!((truth(text, false), truth(text, true)), (new, admin), "{text:?}");
        }
    }
}
