//! Commands that a site enables: `[cli] endpoints`, `endpoints_add` and `endpoints_remove`.

use std::collections::BTreeSet;

use clap::Subcommand;

use super::commands;
use super::leaf::SiteCanDisable;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::exceptions::Exception;

/// Checks that the site enables a command of the new tree, and that its policy is consistent. Without a command only
/// the policy is checked.
///
/// # Errors
/// `ConfigurationError` for an inconsistent policy, or the command is disabled.
pub(super) fn allow(config: &Config, command: Option<&str>) -> Result<()> {
    let options = ["endpoints", "endpoints_add", "endpoints_remove"];
    if options.iter().all(|option| config.list("cli", option).is_empty()) {
        return Ok(());
    }
    let groups = groups();
    let [only, add, remove] = options.map(|option| named(config, option, &groups));
    let [only, add, remove] = [only?, add?, remove?];
    let wrong = |what: &str| {
        Err(Error::new(Exception::ConfigurationError, format!("{what} ([cli] of {})", config.path().display())))
    };
    if !only.is_empty() && (!add.is_empty() || !remove.is_empty()) {
        return wrong("Endpoints cannot be set in both 'endpoints' and 'endpoints_add'/'endpoints_remove'");
    }
    if let Some(both) = add.intersection(&remove).next() {
        return wrong(&format!("Endpoints cannot be in both 'endpoints_add' and 'endpoints_remove': {both}"));
    }
    let Some(command) = command.filter(|command| groups.iter().any(|group| group == command)) else { return Ok(()) };
    let disabled = if only.is_empty() { remove.contains(command) } else { !only.contains(command) };
    if disabled {
        return Err(Error::value(format!("No such command '{command}'. This site disables it."))
            .with_hint(format!("It is disabled in section [cli] of {}.", config.path().display())));
    }
    Ok(())
}

/// Returns the commands that a site may enable or disable. All others (`whoami`, `ping` ...) are always enabled.
fn groups() -> Vec<String> {
    let tree = commands::Command::augment_subcommands(clap::Command::new(""));
    let groups = tree.get_subcommands().filter(|command| command.get::<SiteCanDisable>().is_some());
    groups.map(|command| command.get_name().to_owned()).collect()
}

/// Parses the commands that an option names.
fn named(config: &Config, option: &str, groups: &[String]) -> Result<BTreeSet<String>> {
    let names: BTreeSet<_> = config.list("cli", option).into_iter().collect();
    match names.iter().find(|name| !groups.contains(name)) {
        Some(unknown) => Err(Error::new(
            Exception::ConfigurationError,
            format!(
                "{}: [cli] {option} contains '{unknown}', which is not one of {}.",
                config.path().display(),
                groups.join(", ")
            ),
        )),
        None => Ok(names),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(policy: &str, command: &str) -> Result<()> {
        allow(&Config::parse(&format!("[cli]\n{policy}\n"), "rucio.cfg").unwrap(), Some(command))
    }

    #[test]
    fn policy_restricts_and_extends() {
        let cases = [
            ("", "rse", true),
            ("endpoints = rse, did", "rse", true),
            ("endpoints = rse, did", "rule", false),
            ("endpoints = rse", "whoami", true),
            ("endpoints_remove = rule,upload", "rule", false),
            ("endpoints_remove = rule", "rse", true),
            ("endpoints_add = lifetime-exception", "lifetime-exception", true),
        ];
        for (policy, command, expected) in cases {
            assert_eq!(allowed(policy, command).is_ok(), expected, "{policy}: {command}");
        }
    }

    #[test]
    fn policy_that_contradicts_itself_is_refused_by_every_command() {
        for policy in
            ["endpoints = rse\nendpoints_add = did", "endpoints_add = did\nendpoints_remove = did", "endpoints = rses"]
        {
            let error = allowed(policy, "ping").unwrap_err();
            assert_eq!(error.class(), Some(Exception::ConfigurationError), "{policy}");
        }
    }
}
