//! `rucio.cfg`: its location, its format, and the settings of a client. No server is contacted here.
//!
//! [`Config`] is the file with typed look-ups. [`Settings`] is what a client needs before it contacts a server,
//! resolved once from the command line ([`Overrides`]), the environment and the file, in this order.

mod auth;
mod ca;
mod create;
mod discover;
mod edit;
mod effective;
mod explain;
mod interpolate;
mod location;
mod lookups;
mod oidc;
mod options;
mod paths;
mod profile;
mod reader;
mod servers;
mod settings;
mod sources;
mod storage;
mod tokens;

pub use auth::{AuthMethod, GivenCredentials};
pub use ca::CaSource;
pub(crate) use create::already_there;
pub use create::{NewConfig, create_file};
pub use discover::personal;
pub(crate) use edit::with_option;
pub use effective::{EffectiveOption, effective, set_option};
pub use explain::{Setting, explain};
pub use location::{ClientLocation, location};
pub use oidc::{BearerTokens, OidcLogin, OidcProvider, OidcSettings};
pub use options::{DEFAULT_SUPPORT, UnknownConvention};
pub(crate) use paths::expand as expand_path;
pub use profile::Profile;
pub use settings::{Overrides, Settings};
pub use sources::ValueOrigin;
pub use storage::StorageAccess;
pub(crate) use tokens::temp_dir;
pub use tokens::{DEFAULT_VO, token_folders};

use crate::{Error, Result, env_vars::Env, exceptions::Exception};
use std::{
    collections::HashMap,
    fmt,
    path::{Path, PathBuf},
};

/// Returns the configuration file that commands use.
///
/// # Errors
/// `ConfigNotFound` if none is named, and there is none in the usual locations.
pub fn config_file(given: Option<&str>, env: &Env) -> Result<PathBuf> {
    discover::find(given, env)
}

/// The section whose options apply to all other sections.
const DEFAULT: &str = "DEFAULT";
/// The section of the client's options.
const CLIENT: &str = "client";

/// A configuration file that has been read.
pub struct Config {
    path: PathBuf,
    sections: HashMap<String, reader::Section>,
    profile: Option<Profile>,
    /// Where a file was searched, if there is none: all settings come from the command line and the environment.
    searched: Vec<PathBuf>,
}

impl Config {
    /// Finds and reads the configuration file: `given` (the option `--config`), else `RUCIO_CONFIG`, else
    /// `etc/rucio.cfg` below `RUCIO_HOME`, `VIRTUAL_ENV` and `CONDA_PREFIX`, else the one in `/opt/rucio/etc`, else the
    /// user's own ([`personal`]).
    ///
    /// # Errors
    /// `ConfigNotFound` if there is none; `ConfigLoadingError` if a named file does not exist, or the file cannot be
    /// read or is malformed.
    pub fn load(given: Option<&str>, env: &Env) -> Result<Self> {
        let path = discover::find(given, env)?;
        Self::parse(&discover::read(&path)?, path)
    }

    /// Parses a configuration. The path is used in messages.
    ///
    /// # Errors
    /// `ConfigLoadingError`, with the line, if it is malformed.
    pub fn parse(text: &str, path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        Ok(Self { sections: reader::read(text, &path)?, path, profile: None, searched: Vec::new() })
    }

    /// Returns the configuration of a command line that needs no file.
    fn absent(env: &Env) -> Self {
        let (path, searched) = (PathBuf::from("rucio.cfg"), discover::candidates(env));
        Self { path, sections: HashMap::new(), profile: None, searched }
    }

    /// Whether there is no file.
    pub fn is_absent(&self) -> bool {
        !self.searched.is_empty()
    }

    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the section exists. `DEFAULT` does not count.
    pub fn has_section(&self, section: &str) -> bool {
        section != DEFAULT && self.sections.contains_key(section)
    }

    /// Returns the value of an option, interpolated. An option in `DEFAULT` applies to every section that exists.
    pub fn get(&self, section: &str, option: &str) -> Option<String> {
        let lookup = |name: &str| self.entry(section, name).map(|entry| entry.raw.as_str());
        lookup(&option.to_lowercase()).map(|raw| interpolate::interpolate(raw, &lookup))
    }

    /// Returns the value of an option, if it is set and not empty.
    pub fn non_empty(&self, section: &str, option: &str) -> Option<String> {
        self.get(section, option).filter(|value| !value.is_empty())
    }

    /// Returns the value of an option that must be set and not empty.
    ///
    /// # Errors
    /// `MissingClientParameter`, naming section, option and file.
    pub fn require(&self, section: &str, option: &str) -> Result<String> {
        self.non_empty(section, option).ok_or_else(|| {
            if self.is_absent() {
                return discover::not_found(&self.searched);
            }
            let file = self.path.display();
            Error::new(Exception::MissingClientParameter, format!("{file} has no option '{option}' in [{section}]."))
                .with_hint(format!("Add a line `{option} = …` to the section [{section}] of {file}."))
        })
    }

    /// Parses a boolean as Python does: 1, yes, true, on; 0, no, false, off; in any case.
    ///
    /// # Errors
    /// `ConfigurationError` for any other value.
    pub fn bool(&self, section: &str, option: &str) -> Result<Option<bool>> {
        self.typed(section, option, "one of yes, no, true, false, on, off, 1, 0", |value| {
            match value.to_lowercase().as_str() {
                "1" | "yes" | "true" | "on" => Some(true),
                "0" | "no" | "false" | "off" => Some(false),
                _ => None,
            }
        })
    }

    /// Parses an integer.
    ///
    /// # Errors
    /// `ConfigurationError` if it is not an integer.
    pub fn int(&self, section: &str, option: &str) -> Result<Option<i64>> {
        self.typed(section, option, "a whole number", |value| value.parse().ok())
    }

    /// Parses a number.
    ///
    /// # Errors
    /// `ConfigurationError` if it is not a number.
    pub fn float(&self, section: &str, option: &str) -> Result<Option<f64>> {
        self.typed(section, option, "a number", |value| value.parse().ok())
    }

    /// Parses a list separated by commas. Empty items are dropped.
    pub fn list(&self, section: &str, option: &str) -> Vec<String> {
        let value = self.get(section, option).unwrap_or_default();
        value.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
    }

    /// Returns section, option and line of all options, in the file's order.
    pub(super) fn all_options(&self) -> Vec<(&str, &str, usize)> {
        let mut all: Vec<(&str, &str, usize)> = Vec::new();
        for (name, section) in &self.sections {
            all.extend(section.iter().map(|(option, entry)| (name.as_str(), option.as_str(), entry.line)));
        }
        all.sort_unstable_by_key(|(_, _, line)| *line);
        all
    }

    /// Returns the options that a section sets itself, with their lines, in the file's order.
    pub fn options(&self, section: &str) -> Vec<(&str, usize)> {
        let section = self.sections.get(section).into_iter().flatten();
        let mut options: Vec<_> = section.map(|(name, entry)| (name.as_str(), entry.line)).collect();
        options.sort_unstable_by_key(|(_, line)| *line);
        options
    }

    /// Returns the sections of client options: `client` and the profiles.
    pub fn client_sections(&self) -> Vec<String> {
        let profiles = self.profiles().into_iter().map(profile::section);
        profiles.chain([CLIENT.to_owned()]).filter(|section| self.sections.contains_key(section)).collect()
    }

    /// Returns the line of an option; 0 if it is not set.
    fn line(&self, section: &str, option: &str) -> usize {
        self.entry(section, option).map_or(0, |entry| entry.line)
    }

    fn entry(&self, section: &str, option: &str) -> Option<&reader::Entry> {
        if section == CLIENT
            && let Some(profile) = &self.profile
            && let Some(entry) = self.sections.get(&profile.section()).and_then(|own| own.get(option))
        {
            return Some(entry);
        }
        let own = self.sections.get(section)?;
        own.get(option).or_else(|| self.sections.get(DEFAULT)?.get(option))
    }

    fn typed<T>(
        &self,
        section: &str,
        option: &str,
        wanted: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>> {
        let Some(value) = self.get(section, option) else { return Ok(None) };
        read(&value).map(Some).ok_or_else(|| {
            let line = self.line(section, &option.to_lowercase());
            let place = format!("{}, line {line}", self.path.display());
            let details = format!("{place}: option '{option}' in [{section}] must be {wanted}, it is '{value}'.");
            Error::new(Exception::ConfigurationError, details).with_hint("Correct the line, or remove it.")
        })
    }
}

/// Shows no values: some are secret.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("path", &self.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
