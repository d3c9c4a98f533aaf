//! Runs a parsed command line, on one server or on several.

use super::context::Context;
use super::multi_host::{self, ConfiguredServer};
use super::parse::{Call, Invocation};
use super::tree::Tree;
use super::{commands, explain, interrupt, legacy, policy, runtime, secret_prompt};
use crate::error::{Error, Result};

/// Returns the servers that the configuration runs this command on, if there are several.
pub(super) fn hosts(context: &Context, invocation: &Invocation) -> Result<Vec<ConfiguredServer>> {
    let is_admin = invocation.tree() == Tree::Admin;
    if context.names_config() || invocation.global.legacy || is_admin || !invocation.leaf.needs_server {
        return Ok(Vec::new());
    }
    // The command itself reports a missing or invalid configuration.
    match context.config() {
        Ok(config) => multi_host::configured_hosts(config, &invocation.path),
        Err(_) => Ok(Vec::new()),
    }
}

/// Runs a parsed command line.
pub(crate) fn run(context: &Context, invocation: Invocation) -> Result<()> {
    if let Some(notice) = invocation.notice.as_ref().filter(|_| context.is_for_scripts() && !invocation.global.quiet) {
        tracing::warn!("{notice}");
    }
    check_policy(context, &invocation)?;
    let runtime = runtime::start()?;
    let values = invocation.values;
    let command = async {
        match invocation.call {
            Call::Commands(command) => commands::run(context, command).await,
            Call::Legacy(command) => legacy::run(context, command).await,
            Call::Admin(command) => legacy::admin::run(context, command).await,
        }
    };
    let outcome = runtime.block_on(async {
        interrupt::survive_file_size_limit();
        tokio::select! {
            outcome = command => outcome,
            () = secret_prompt::interrupted(), if !invocation.leaf.handles_interrupt => Err(Error::interrupted()),
        }
    });
    let outcome = match outcome {
        Err(error) if !error.is_interrupted() => Err(runtime.block_on(explain::from_server(context, error))),
        outcome => outcome,
    };
    runtime.shutdown_background();
    outcome.map_err(|error| explain::from_values(context, &values, error))
}

/// Checks that the site enables the command. The policy restricts the new tree only; an invalid policy makes legacy
/// commands fail, too.
fn check_policy(context: &Context, invocation: &Invocation) -> Result<()> {
    let tree = invocation.tree();
    if !invocation.leaf.needs_server || tree == Tree::Admin {
        return Ok(());
    }
    let command = if tree == Tree::Commands { invocation.path.first() } else { None };
    policy::allow(context.config()?, command.map(String::as_str)).map_err(Error::before_start)
}
