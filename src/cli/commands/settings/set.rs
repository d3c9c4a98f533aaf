//! `rucio settings set`

use serde_json::json;

use super::{SHAPE, setting_name, split};
use crate::cli::context::Context;
use crate::cli::leaf::{Extension, NoServer};
use crate::cli::value_kind::ValueKind;
use crate::config::{NewConfig, config_file, set_option};
use crate::diagnosis::known;
use crate::error::{Error, Result};
use crate::exceptions::Exception;

/// Set an option in the configuration file
///
/// Comments, the order of the options and the permissions of the file stay as they are. Without a configuration file,
/// your own is created.
///
/// Example: rucio settings set account jdoe
#[derive(Debug, clap::Args)]
#[command(add = Extension, add = NoServer::Always)]
pub(crate) struct Args {
    /// Option, as SECTION.OPTION; without a section it is one of [client]
    #[arg(add = ValueKind::Setting)]
    option: String,
    /// New value
    #[arg(allow_hyphen_values = true)]
    value: String,
    /// Also set an option that this client does not know
    #[arg(long)]
    force: bool,
}

pub(crate) async fn run(context: &Context, args: Args) -> Result<()> {
    let (section, option) = split(&args.option);
    if !args.force {
        check_name(&section, &option)?;
    }
    change(context, &section, &option, Some(&args.value))
}

/// Sets or removes the option in the file that commands use.
pub(super) fn change(context: &Context, section: &str, option: &str, value: Option<&str>) -> Result<()> {
    let overrides = context.overrides();
    let path = match config_file(overrides.config.as_deref(), &context.env) {
        Err(error) if error.class() == Some(Exception::ConfigNotFound) => NewConfig::place(None, &context.env)?,
        path => path?,
    };
    set_option(&path, section, option, value)?;
    let is_secret = ["password", "oidc_client_secret"].contains(&option);
    let origin = path.display().to_string();
    let record = json!({"section": section, "option": option, "value": value.filter(|_| !is_secret), "origin": origin});
    context.ui.record(SHAPE, &record)?;
    if is_secret && value.is_some() {
        tracing::warn!("{origin} contains the {option} in plain text now.");
    }
    Ok(())
}

/// Checks that this client or the official one reads the option.
fn check_name(section: &str, option: &str) -> Result<()> {
    let Some(options) = known::options_of(section) else {
        let error = Error::value(format!("There is no section [{section}] with options of this client."));
        return Err(
            error.with_hint(format!("The sections are {}. To set it anyway: --force.", known::SECTIONS.join(", ")))
        );
    };
    if options.contains(&option) {
        return Ok(());
    }
    let error = Error::value(format!("There is no option {option:?} in section [{section}]."));
    let elsewhere =
        known::SECTIONS.iter().find(|other| known::options_of(other).is_some_and(|all| all.contains(&option)));
    Err(match (known::nearest_of(option, options), elsewhere) {
        (Some(meant), _) => error.with_hint(format!("Did you mean {}?", setting_name(section, meant))),
        (None, Some(other)) => error.with_hint(format!("Did you mean {}?", setting_name(other, option))),
        (None, None) => error.with_hint(format!("The options are {}. To set it anyway: --force.", options.join(", "))),
    })
}
