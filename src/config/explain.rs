//! Values and origins of the most important settings, for `doctor`.

use super::{
    Config, Overrides,
    auth::AUTH_TYPE,
    servers,
    settings::{ACCOUNT, AUTH_HOST, RUCIO_HOST},
    sources::{Name, Sources, ValueOrigin},
};
use crate::{Result, env_vars::Env};

/// A setting with its value or error, and its origin.
#[derive(Debug)]
pub struct Setting {
    /// Its name in the configuration.
    pub name: &'static str,
    /// The value; `None` if it need not be set.
    pub value: Result<Option<String>>,
    /// The origin, if it is set.
    pub origin: Option<ValueOrigin>,
}

/// Resolves both servers, the account and the authentication method independently: an error in one hides none of the
/// others.
pub fn explain(overrides: &Overrides, env: &Env, config: &Config) -> [Setting; 4] {
    let sources = Sources { env, config };
    let server = |given, name: &Name| setting(&sources, given, name, |value| servers::checked(value, name.option));
    [
        server(overrides.host.as_ref(), &RUCIO_HOST),
        server(overrides.auth_host.as_ref(), &AUTH_HOST),
        account(&sources, overrides),
        setting(&sources, overrides.auth_strategy.as_ref(), &AUTH_TYPE, |value| Ok(value.to_lowercase())),
    ]
}

fn setting(
    sources: &Sources<'_>,
    given: Option<&String>,
    name: &Name,
    check: impl FnOnce(&str) -> Result<String>,
) -> Setting {
    let found = sources.trace(given, name);
    let origin = found.as_ref().map(|(_, origin)| *origin);
    let value = found.ok_or_else(|| sources.missing(name)).and_then(|(value, _)| check(&value)).map(Some);
    Setting { name: name.option, value, origin }
}

fn account(sources: &Sources<'_>, overrides: &Overrides) -> Setting {
    let (value, origin) = sources.trace(overrides.account.as_ref(), &ACCOUNT).unzip();
    Setting { name: ACCOUNT.option, value: Ok(value), origin }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn explanation_says_where_each_setting_comes_from() {
        let config = Config::parse("[client]\nrucio_host = r\nauth_host = https://a/\n", "rucio.cfg").unwrap();
        let env = Env::fixed([("RUCIO_AUTH_TYPE", "OIDC")]);
        let overrides = Overrides { account: Some("kim".into()), ..Overrides::default() };
        let [rucio_host, auth_host, account, auth_type] = explain(&overrides, &env, &config);
        assert!(rucio_host.value.is_err_and(|error| format!("{:?}", error.hints()).contains("https://r")));
        assert_eq!(
            (auth_host.value.unwrap().as_deref(), auth_host.origin),
            (Some("https://a"), Some(ValueOrigin::File(3)))
        );
        assert_eq!((account.value.unwrap().as_deref(), account.origin), (Some("kim"), Some(ValueOrigin::Flag)));
        let variable = Some(ValueOrigin::Variable("RUCIO_AUTH_TYPE"));
        assert_eq!((auth_type.value.unwrap().as_deref(), auth_type.origin), (Some("oidc"), variable));
        let [.., account, _] = explain(&Overrides::default(), &env, &config);
        assert_eq!((account.value.unwrap(), account.origin), (None, None));
    }
}
