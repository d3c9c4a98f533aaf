//! `rucio settings ...`: the configuration of this client. `rucio config` is that of the server.

pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod set;
pub(crate) mod unset;
pub(crate) mod validate;

use serde_json::{Value, json};

use crate::cli::commands::group;
use crate::cli::context::Context;
use crate::cli::ui::Shape;
use crate::config::{EffectiveOption, ValueOrigin, effective};
use crate::error::Result;

const SHAPE: Shape = Shape { name: &["section", "option"], columns: &["section", "option", "value", "origin"] };
/// The section of an option that is named without one.
const CLIENT: &str = "client";

group! {
    Get(get::Args),
    List(list::Args),
    Set(set::Args),
    Unset(unset::Args),
    Validate(validate::Args),
}

/// Returns all options that are set.
fn all(context: &Context) -> Result<Vec<EffectiveOption>> {
    Ok(effective(&context.overrides(), &context.env, context.config()?))
}

/// Splits `section.option`; without a section it is `[client]`. Names of profiles may contain dots, those of options do
/// not.
fn split(name: &str) -> (String, String) {
    let (section, option) = name.rsplit_once('.').unwrap_or((CLIENT, name));
    (section.to_owned(), option.to_lowercase())
}

/// Returns the name of an option, which [`split`] splits.
pub(in crate::cli) fn setting_name(section: &str, option: &str) -> String {
    if section == CLIENT { option.to_owned() } else { format!("{section}.{option}") }
}

/// Returns the origin for people: the file with the line, the variable or the command line.
fn origin(context: &Context, option: &EffectiveOption) -> Result<String> {
    Ok(match option.origin {
        ValueOrigin::File(line) => format!("{}:{line}", context.config()?.path().display()),
        other => other.to_string(),
    })
}

fn record(option: &EffectiveOption, origin: &str) -> Value {
    json!({"section": option.section, "option": option.option, "value": option.value, "origin": origin})
}

/// Returns the value as text.
fn shown(option: &EffectiveOption) -> &str {
    option.value.as_deref().unwrap_or("[hidden]")
}
