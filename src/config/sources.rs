//! Sources of a setting, in order of precedence: command line, environment, file.

use super::{Config, paths};
use crate::{
    Error, Result,
    env_vars::Env,
    exceptions::Exception,
    hint::{Hint, Parameter},
};

/// A setting of the section `[client]` and its other names.
pub(super) struct Name {
    /// The option in the file.
    pub(super) option: &'static str,
    /// The environment variable, if there is one.
    pub(super) variable: Option<&'static str>,
    /// The parameter, if there is an option of the command line.
    pub(super) parameter: Option<Parameter>,
    /// Whether it is a path, in which variables are expanded.
    is_path: bool,
}

impl Name {
    /// Creates the names of an option that only the file has.
    pub(super) const fn in_file(option: &'static str) -> Self {
        Self { option, variable: None, parameter: None, is_path: false }
    }

    /// The same for a path.
    pub(super) const fn path_in_file(option: &'static str) -> Self {
        Self { is_path: true, ..Self::in_file(option) }
    }

    /// Creates the names of a parameter that is a path.
    pub(super) const fn path(option: &'static str, parameter: Parameter) -> Self {
        Self { is_path: true, ..Self::of(option, parameter) }
    }

    /// Creates the names of a parameter; `option` is that in the file.
    pub(super) const fn of(option: &'static str, parameter: Parameter) -> Self {
        Self { option, variable: parameter.variable(), parameter: Some(parameter), is_path: false }
    }
}

/// The origin of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueOrigin {
    /// An option of the command line.
    Flag,
    /// An environment variable.
    Variable(&'static str),
    /// This line of the configuration file, counted from 1.
    File(usize),
}

impl std::fmt::Display for ValueOrigin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Flag => f.write_str("the command line"),
            Self::Variable(name) => write!(f, "the variable {name}"),
            Self::File(line) => write!(f, "line {line} of the configuration"),
        }
    }
}

/// The environment and the file. The value from the command line is passed to each look-up; a profile chosen there
/// overrides the environment.
pub(super) struct Sources<'a> {
    pub(super) env: &'a Env,
    pub(super) config: &'a Config,
}

impl Sources<'_> {
    /// Returns the value with the highest precedence. An empty one counts as not set, wherever it is; so does a path
    /// that is only a variable which is not set (`client_x509_proxy = $X509_USER_PROXY`).
    pub(super) fn find(&self, given: Option<&String>, name: &Name) -> Option<String> {
        self.trace(given, name).map(|(value, _)| value)
    }

    /// Returns the value with the highest precedence, and its origin.
    pub(super) fn trace(&self, given: Option<&String>, name: &Name) -> Option<(String, ValueOrigin)> {
        let is_set = |value: &String| !value.is_empty() && self.unset_variable(name, value).is_none();
        let in_file = || ValueOrigin::File(self.config.line("client", name.option));
        given
            .cloned()
            .filter(is_set)
            .map(|value| (value, ValueOrigin::Flag))
            .or_else(|| Some((self.config.chosen(name.option).filter(is_set)?, in_file())))
            .or_else(|| Some((self.env.get(name.variable?).filter(is_set)?, ValueOrigin::Variable(name.variable?))))
            .or_else(|| Some((self.config.non_empty("client", name.option).filter(is_set)?, in_file())))
    }

    /// Whether the command line or a variable sets another value than the file.
    pub(super) fn overrides_file(&self, given: Option<&String>, name: &Name) -> bool {
        match self.trace(given, name) {
            Some((value, ValueOrigin::Flag | ValueOrigin::Variable(_))) => {
                self.config.non_empty("client", name.option) != Some(value)
            }
            Some((_, ValueOrigin::File(_))) | None => false,
        }
    }

    /// Returns the variable that is all of this path and is not set.
    fn unset_variable(&self, name: &Name, value: &str) -> Option<String> {
        if name.is_path { paths::unset_variable(value, self.env) } else { None }
    }

    /// Explains that the file has only a variable for this path, if that is not set.
    pub(super) fn unset_in_file(&self, name: &Name) -> Option<String> {
        let value = self.config.non_empty("client", name.option)?;
        let variable = self.unset_variable(name, &value)?;
        let file = self.config.path().display();
        Some(format!("'{}' in {file} is {}, and the variable {variable} is not set.", name.option, value.trim()))
    }

    /// Returns the value with the highest precedence, or an error if there is none.
    pub(super) fn require(&self, given: Option<&String>, name: &Name) -> Result<String> {
        self.find(given, name).ok_or_else(|| self.missing(name))
    }

    /// Returns the error for a setting without a value.
    pub(super) fn missing(&self, name: &Name) -> Error {
        if self.config.is_absent() {
            return super::discover::not_found(&self.config.searched).with_hint(self.setting_hint(name));
        }
        let file = self.config.path().display();
        let details = self.unset_in_file(name).unwrap_or_else(|| {
            let start = if ["rucio_host", "auth_host"].contains(&name.option) { "Section client and " } else { "" };
            format!("{start}Option '{}' cannot be found in config file {file}, section [client].", name.option)
        });
        Error::new(Exception::MissingClientParameter, details).with_hint(self.setting_hint(name))
    }

    /// Returns all ways to set it.
    fn setting_hint(&self, name: &Name) -> Hint {
        match name.parameter {
            Some(parameter) => Hint::parameters("Set it", [parameter]),
            None => format!("Add `{} = …` to [client] in {}.", name.option, self.config.path().display()).into(),
        }
    }
}
