//! Profiles: sections `[profile NAME]`, whose options override those of `[client]`.

use super::{CLIENT, Config, Overrides};
use crate::{
    Error, Result,
    env_vars::{self, Env},
    exceptions::Exception,
};

const SECTION: &str = "profile ";

/// The profile in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// Whether the command line chose it, so that it overrides the environment.
    pub chosen: bool,
}

impl Profile {
    /// Returns its section.
    pub(super) fn section(&self) -> String {
        section(&self.name)
    }
}

/// Returns the section of the profile with this name.
pub(super) fn section(name: &str) -> String {
    format!("{SECTION}{name}")
}

impl Config {
    /// Returns the configuration of a client: found and read like [`Config::load`], with the profile that `--profile`
    /// or `RUCIO_PROFILE` names. No file is needed if the command line names the server.
    ///
    /// # Errors
    /// Those of [`Config::load`]; `ConfigurationError` for a profile that is not in the file.
    pub fn for_client(overrides: &Overrides, env: &Env) -> Result<Self> {
        let config = match Self::load(overrides.config.as_deref(), env) {
            Err(error) if error.class() == Some(Exception::ConfigNotFound) && overrides.host.is_some() => {
                Self::absent(env)
            }
            config => config?,
        };
        let given = overrides.profile.clone().filter(|name| !name.is_empty());
        let chosen = given.is_some();
        match given.or_else(|| env.get(env_vars::RUCIO_PROFILE)) {
            Some(name) => config.under(Profile { name, chosen }),
            None => Ok(config),
        }
    }

    /// Returns the profile in use.
    pub fn profile(&self) -> Option<&Profile> {
        self.profile.as_ref()
    }

    /// Returns the names of all profiles, sorted.
    pub fn profiles(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.sections.keys().filter_map(|section| section.strip_prefix(SECTION)).collect();
        names.sort_unstable();
        names
    }

    fn under(mut self, profile: Profile) -> Result<Self> {
        if self.sections.contains_key(&profile.section()) {
            self.profile = Some(profile);
            return Ok(self);
        }
        let file = self.path.display();
        let hint = match self.profiles().as_slice() {
            [] => format!("Add a section [profile {}] to {file}.", profile.name),
            names => format!("The profiles of {file} are {}.", names.join(", ")),
        };
        let details = format!("{file} has no section [profile {}].", profile.name);
        Err(Error::new(Exception::ConfigurationError, details).with_hint(hint))
    }

    /// Returns the value of a `[client]` option in a profile that the command line chose.
    pub(super) fn chosen(&self, option: &str) -> Option<String> {
        self.profile.as_ref().filter(|profile| profile.chosen && self.in_profile(profile, option))?;
        self.non_empty(CLIENT, option)
    }

    /// Whether the profile in use sets one of these options itself.
    pub(super) fn profile_has(&self, options: &[&str]) -> bool {
        self.profile.as_ref().is_some_and(|profile| options.iter().any(|option| self.in_profile(profile, option)))
    }

    fn in_profile(&self, profile: &Profile, option: &str) -> bool {
        self.sections.get(&profile.section()).is_some_and(|section| section.contains_key(option))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    const TEXT: &str = "[client]\nrucio_host = https://a\nauth_host = https://a\nauth_type = gss\naccount = kim\n\
                        [profile night]\naccount = robot\n[profile cms]\nrucio_host = https://b\nauth_host = https://b\n";

    fn settings(profile: Option<&str>, env: &Env) -> Result<Settings> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), TEXT).unwrap();
        let config = Some(file.path().display().to_string());
        let overrides = Overrides { config, profile: profile.map(str::to_owned), ..Overrides::default() };
        Settings::resolve(&overrides, env, &Config::for_client(&overrides, env)?)
    }

    #[test]
    fn profile_overrides_what_it_names() {
        let plain = settings(None, &Env::fixed([])).unwrap();
        assert_eq!((plain.account.as_deref(), plain.hosts_from_file), (Some("kim"), true));
        let night = settings(Some("night"), &Env::fixed([])).unwrap();
        assert_eq!((night.account.as_deref(), night.rucio_host.as_str()), (Some("robot"), "https://a"));
        assert!(night.hosts_from_file);
        let cms = settings(None, &Env::fixed([("RUCIO_PROFILE", "cms")])).unwrap();
        assert_eq!((cms.account.as_deref(), cms.rucio_host.as_str()), (Some("kim"), "https://b"));
        assert!(!cms.hosts_from_file);
    }

    #[test]
    fn profile_of_the_command_line_wins_over_variables() {
        let account = |profile, env: &Env| settings(profile, env).unwrap().account;
        let env = Env::fixed([("RUCIO_ACCOUNT", "lee"), ("RUCIO_PROFILE", "night")]);
        assert_eq!(account(None, &env).as_deref(), Some("lee"));
        assert_eq!(account(Some("night"), &env).as_deref(), Some("robot"));
        assert_eq!(account(Some("cms"), &env).as_deref(), Some("lee"));
    }

    #[test]
    fn profile_that_does_not_exist_is_refused_with_a_list() {
        let error = settings(Some("day"), &Env::fixed([])).unwrap_err();
        assert_eq!(error.class(), Some(Exception::ConfigurationError));
        assert!(error.to_string().contains("[profile day]"), "{error}");
        assert!(format!("{:?}", error.hints()).contains("cms, night"), "{error:?}");
    }

    #[test]
    fn configuration_file_is_not_needed_if_the_command_line_names_the_server() {
        let env = Env::fixed([("RUCIO_HOME", "/nowhere"), ("HOME", "/nowhere")]);
        let host = Some("https://r".to_owned());
        let config = Config::for_client(&Overrides { host: host.clone(), ..Overrides::default() }, &env).unwrap();
        assert!(config.is_absent() && config.get("client", "account").is_none());
        let missing = config.require("client", "auth_host").unwrap_err();
        assert_eq!(missing.class(), Some(Exception::ConfigNotFound), "{missing}");
        let error = Config::for_client(&Overrides::default(), &env).unwrap_err();
        assert_eq!(error.class(), Some(Exception::ConfigNotFound));
        let named = Overrides { host, config: Some("/nowhere/rucio.cfg".to_owned()), ..Overrides::default() };
        assert_eq!(Config::for_client(&named, &env).unwrap_err().class(), Some(Exception::ConfigLoadingError));
    }
}
