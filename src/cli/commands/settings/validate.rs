//! `rucio settings validate`

use crate::cli::commands::doctor::report::Report;
use crate::cli::context::Context;
use crate::cli::leaf::{Extension, NoServer};
use crate::diagnosis::{configuration, settings};
use crate::error::Result;

/// Check the configuration file, and the options and variables that override it
///
/// Contacts no server; `rucio doctor` does. Exits with 1 if a check fails.
///
/// Example: rucio settings validate
#[derive(Debug, clap::Args)]
#[command(add = Extension, add = NoServer::Always)]
pub(crate) struct Args {}

pub(crate) async fn run(context: &Context, _args: Args) -> Result<()> {
    let overrides = context.overrides();
    let (config, findings) = configuration::examine(&overrides, &context.env);
    let mut report = Report::new(context);
    report.add(findings)?;
    if let Some(config) = config {
        report.add(settings::examine(&overrides, &context.env, &config))?;
    }
    report.end()
}
