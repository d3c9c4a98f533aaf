//! All options that are set, with their values and origins, for `rucio settings`.

use std::path::Path;

use super::sources::{Name, Sources, ValueOrigin};
use super::{CLIENT, Config, Overrides, edit};
use crate::env_vars::Env;
use crate::error::Result;
use crate::hint::Parameter;

/// Options with secret values.
const SECRETS: [&str; 2] = ["password", "oidc_client_secret"];
/// Parameters that also the command line or the environment can set.
const PARAMETERS: [Parameter; 14] = [
    Parameter::Host,
    Parameter::AuthHost,
    Parameter::Account,
    Parameter::AuthMethod,
    Parameter::CaCertificate,
    Parameter::Certificate,
    Parameter::ClientKey,
    Parameter::Proxy,
    Parameter::User,
    Parameter::Password,
    Parameter::Vo,
    Parameter::OidcScope,
    Parameter::OidcAudience,
    Parameter::OidcIssuer,
];

/// An option with the value that is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectiveOption {
    /// The section of the file.
    pub section: String,
    /// The option.
    pub option: String,
    /// The value, interpolated; `None` if it is secret.
    pub value: Option<String>,
    /// The origin of the value.
    pub origin: ValueOrigin,
}

/// Returns all options that are set: those of the file in its order, with the values of the command line and of the
/// environment where these override them, then those that only these set.
pub fn effective(overrides: &Overrides, env: &Env, config: &Config) -> Vec<EffectiveOption> {
    let mut all: Vec<EffectiveOption> = Vec::new();
    for (section, option, line) in config.all_options() {
        let found = if section == CLIENT { find(overrides, env, config, option) } else { None };
        let in_file = || (config.get(section, option).unwrap_or_default(), ValueOrigin::File(line));
        let (value, origin) = found.unwrap_or_else(in_file);
        all.push(EffectiveOption::new(section, option, value, origin));
    }
    for option in PARAMETERS.into_iter().filter_map(Parameter::option) {
        let is_known = all.iter().any(|known| known.section == CLIENT && known.option == option);
        if let (false, Some((value, origin))) = (is_known, find(overrides, env, config, option)) {
            all.push(EffectiveOption::new(CLIENT, option, value, origin));
        }
    }
    all
}

/// Sets an option in the file at this path, which is created if it does not exist, or removes it if `value` is `None`.
/// Everything else in the file stays as it is.
///
/// # Errors
/// `ConfigLoadingError` if the file is malformed; `ConfigurationError` for a value that it cannot hold.
pub fn set_option(path: &Path, section: &str, option: &str, value: Option<&str>) -> Result<()> {
    let before = edit::text_of(path)?;
    let text = edit::with_option(&before, path, section, option, value)?;
    if text == before { Ok(()) } else { edit::write(path, &text) }
}

impl EffectiveOption {
    fn new(section: &str, option: &str, value: String, origin: ValueOrigin) -> Self {
        let value = if SECRETS.contains(&option) { None } else { Some(value) };
        Self { section: section.to_owned(), option: option.to_owned(), value, origin }
    }
}

/// Returns the value of an option of `[client]` with the highest precedence.
fn find(overrides: &Overrides, env: &Env, config: &Config, option: &str) -> Option<(String, ValueOrigin)> {
    let parameter = PARAMETERS.into_iter().find(|parameter| parameter.option() == Some(option))?;
    let name = Name::of(parameter.option()?, parameter);
    let given = match parameter {
        Parameter::Host => overrides.host.clone(),
        Parameter::AuthHost => overrides.auth_host.clone(),
        Parameter::Account => overrides.account.clone(),
        Parameter::AuthMethod => overrides.auth_strategy.clone(),
        Parameter::CaCertificate => overrides.ca_certificate.clone(),
        Parameter::Certificate => overrides.certificate.clone(),
        Parameter::ClientKey => overrides.client_key.clone(),
        Parameter::User => overrides.user.clone(),
        Parameter::Password => overrides.password.as_ref().map(|_| String::from("given")),
        Parameter::Vo => overrides.vo.clone(),
        Parameter::OidcScope => overrides.oidc_scope.clone(),
        Parameter::OidcAudience => overrides.oidc_audience.clone(),
        Parameter::OidcIssuer => overrides.oidc_issuer.clone(),
        _ => None,
    };
    Sources { env, config }.trace(given.as_ref(), &name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effective_options_have_the_value_in_force_and_its_origin() {
        let text = "[trace]\ntrace_host = https://t\n[client]\naccount = kim\npassword = x\nrucio_host = https://%(account)s\n";
        let config = Config::parse(text, "rucio.cfg").unwrap();
        let env = Env::fixed([("RUCIO_ACCOUNT", "lee"), ("RUCIO_VO", "def")]);
        let overrides = Overrides { host: Some("https://r".into()), ..Overrides::default() };
        let shown: Vec<_> = effective(&overrides, &env, &config)
            .into_iter()
            .map(|option| (format!("{}.{}", option.section, option.option), option.value, option.origin))
            .collect();
        let value = |text: &str| Some(text.to_owned());
        let expected = [
            ("trace.trace_host".to_owned(), value("https://t"), ValueOrigin::File(2)),
            ("client.account".to_owned(), value("lee"), ValueOrigin::Variable("RUCIO_ACCOUNT")),
            ("client.password".to_owned(), None, ValueOrigin::File(5)),
            ("client.rucio_host".to_owned(), value("https://r"), ValueOrigin::Flag),
            ("client.vo".to_owned(), value("def"), ValueOrigin::Variable("RUCIO_VO")),
        ];
        assert_eq!(shown, expected);
    }
}
