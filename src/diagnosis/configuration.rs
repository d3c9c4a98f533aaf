//! Checks the configuration file: which one is used, why, and its errors.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::{Finding, known, shell};
use crate::config::{Config, Overrides, personal};
use crate::env_vars::{self, Env};
use crate::error::Error;
use crate::exceptions::Exception;
use crate::hint::Hint;

const CHECK: &str = "configuration";
/// Options with secret values.
const CONFIDENTIAL: [&str; 2] = ["password", "oidc_client_secret"];

/// Reads the configuration; returns it, if it can be read, with its findings.
pub(crate) fn examine(overrides: &Overrides, env: &Env) -> (Option<Config>, Vec<Finding>) {
    let (config, mut findings) = match Config::for_client(overrides, env) {
        Ok(config) => (Some(config), Vec::new()),
        // If only the profile is missing, the rest of the file is still checked.
        Err(error) => {
            let config = Config::load(overrides.config.as_deref(), env).ok();
            let subject = config.as_ref().map_or("rucio.cfg".to_owned(), |config| config.path().display().to_string());
            (config, vec![unreadable(&error, subject)])
        }
    };
    if config.as_ref().is_some_and(Config::is_absent) {
        findings.push(Finding::ok(CHECK, "rucio.cfg", "there is none: all settings are on the command line"));
    } else if let Some(config) = &config {
        findings.insert(0, Finding::ok(CHECK, config.path().display(), why(config.path(), overrides, env)));
        findings.extend(profile(config));
        findings.extend(unknown_options(config));
        findings.extend(permissions(config));
        findings.extend(scope_convention(config));
    }
    (config, findings)
}

/// Returns the finding for a configuration that cannot be read; if there is none, the hint says how to create one.
fn unreadable(error: &Error, subject: String) -> Finding {
    let finding = Finding::from_error(error, CHECK, subject);
    if error.class() == Some(Exception::ConfigNotFound) {
        finding.and_hint(Hint::SetUp { force: false })
    } else {
        finding
    }
}

fn why(path: &Path, overrides: &Overrides, env: &Env) -> String {
    if overrides.config.is_some() {
        return "set on the command line, no errors".to_owned();
    }
    if env.get(env_vars::RUCIO_CONFIG).is_some() {
        return format!("set by {}, no errors", env_vars::RUCIO_CONFIG);
    }
    let homes = [env_vars::RUCIO_HOME, env_vars::VIRTUAL_ENV, env_vars::CONDA_PREFIX];
    let home = homes.iter().find(|name| env.get(name).is_some_and(|home| path.starts_with(home)));
    match home {
        Some(name) => format!("the first in the search order (in {name}), no errors"),
        None if personal(env).is_some_and(|own| own == path) => "your own, as there is no other, no errors".to_owned(),
        None => "at the default path, no errors".to_owned(),
    }
}

fn profile(config: &Config) -> Option<Finding> {
    let profile = config.profile()?;
    let by = if profile.chosen { "the command line" } else { env_vars::RUCIO_PROFILE };
    Some(Finding::ok(CHECK, format!("[profile {}]", profile.name), format!("in use, selected by {by}")))
}

fn unknown_options(config: &Config) -> Vec<Finding> {
    let unknown = |section: &String| {
        let options = config.options(section).into_iter().filter(|(name, _)| !known::OPTIONS.contains(name));
        options.map(|(name, line)| unknown_option(config.path(), section, name, line)).collect::<Vec<_>>()
    };
    config.client_sections().iter().flat_map(unknown).collect()
}

fn unknown_option(path: &Path, section: &str, name: &str, line: usize) -> Finding {
    let place = format!("{}, line {line}", path.display());
    let finding = Finding::warning(CHECK, place, format!("unknown option '{name}' in [{section}]"));
    match known::nearest(name) {
        Some(meant) => {
            let written = name.replace(['/', '.', '*', '[', '\'', '\\'], ".");
            let command = format!("sed -i '{line}s/{written}/{meant}/I' {}", shell(path));
            finding.hint(format!("Did you mean {meant}?")).and_hint(Hint::run("If so", command))
        }
        None => finding.hint(Hint::run(
            "Remove the line, or move it to the section it belongs to",
            format!("sed -i '{line}d' {}", shell(path)),
        )),
    }
}

/// Warns about a convention that decides which DIDs are meant, and is unknown here.
fn scope_convention(config: &Config) -> Option<Finding> {
    let unknown = config.scope_convention().1?;
    let finding = Finding::warning(CHECK, config.path().display(), unknown.to_string());
    Some(finding.hint("Write DIDs as scope:name."))
}

/// Warns about a password that others can read, or a file that everybody can write.
fn permissions(config: &Config) -> Option<Finding> {
    let path = config.path();
    let mode = std::fs::metadata(path).ok()?.mode() & 0o777;
    let holds = |section: &String| CONFIDENTIAL.iter().any(|option| config.non_empty(section, option).is_some());
    let (message, command) = match mode {
        _ if mode & 0o077 != 0 && config.client_sections().iter().any(holds) => {
            (format!("it contains a password and is accessible to others (mode {mode:03o})"), "chmod 600")
        }
        _ if mode & 0o002 != 0 => (format!("it is writable by all users (mode {mode:03o})"), "chmod o-w"),
        _ => return None,
    };
    Some(Finding::warning(CHECK, path.display(), message).hint(Hint::run("", format!("{command} {}", shell(path)))))
}
