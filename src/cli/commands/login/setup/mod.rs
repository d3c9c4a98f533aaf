//! `rucio login --setup`: creates a first configuration from prompts, options, or the file of a site. Each answer is
//! checked when it is given; nothing is written before all are.

mod questions;
mod server;
mod site;

use std::path::{Path, PathBuf};

use crate::cli::context::Context;
use crate::config::{Config, NewConfig, Overrides, already_there, create_file};
use crate::error::Result;
use questions::Questions;
use server::Reached;

/// What the user asks for.
#[derive(Debug)]
pub(super) struct Request {
    /// URL or path of a site's configuration.
    pub source: Option<String>,
    /// Whether to prompt for settings that rarely differ from the default.
    pub advanced: bool,
    /// Whether an existing configuration is replaced.
    pub replace: bool,
}

/// Prompts, checks the servers, writes the file, and makes the context use it.
pub(super) async fn run(context: &Context, request: Request) -> Result<()> {
    let place = place(context, request.replace)?;
    let (text, reached) = match &request.source {
        Some(source) => site::configuration(context, source).await?,
        None => Questions::new(context, request.advanced).ask().await?,
    };
    create_file(&place, &text, request.replace)?;
    let Reached { release, host, .. } = reached;
    let place_text = place.display();
    context.ui.line(&format!("Connected to Rucio {release} at {host}. Configuration written to {place_text}."))?;
    context.use_config(Config::parse(&text, &place)?);
    context.modify_overrides(unwritten);
    warn_of_unused(context, &place);
    Ok(())
}

/// Returns the path of the new file. Errors: without `replace`, it or one at another default path exists.
fn place(context: &Context, replace: bool) -> Result<PathBuf> {
    let named = context.overrides().config;
    let place = NewConfig::place(named.as_deref(), &context.env)?;
    if replace {
        return Ok(place);
    }
    let found = if place.exists() {
        Some(place.clone())
    } else if named.is_none() {
        Config::load(None, &context.env).ok().map(|config| config.path().to_owned())
    } else {
        None
    };
    found.map_or(Ok(place), |found| Err(already_there(&found)))
}

/// Clears the options that are now in the configuration file.
fn unwritten(options: &mut Overrides) {
    let given = std::mem::take(options);
    *options = Overrides {
        config: given.config,
        password: given.password,
        timeout: given.timeout,
        user_agent: given.user_agent,
        insecure: given.insecure,
        no_browser: given.no_browser,
        ..Overrides::default()
    };
}

/// Warns if commands find another configuration file before this one.
fn warn_of_unused(context: &Context, place: &Path) {
    let found = Config::load(None, &context.env).ok();
    if context.overrides().config.is_none() && found.is_some_and(|found| found.path() != place) {
        let place = place.display();
        tracing::warn!("Another configuration takes precedence: set RUCIO_CONFIG={place} to use this one.");
    }
}
