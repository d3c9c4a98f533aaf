//! Servers, account and way to log in: their values and where they stand.

use super::Finding;
use crate::config::{AuthMethod, CaSource, Config, Overrides, Setting, Settings, explain};
use crate::env_vars::Env;

const CHECK: &str = "settings";

/// A finding for each setting.
pub fn examine(overrides: &Overrides, env: &Env, config: &Config) -> Vec<Finding> {
    explain(overrides, env, config).iter().map(finding).chain(rest(overrides, env, config)).collect()
}

fn finding(setting: &Setting) -> Finding {
    match (&setting.value, setting.origin) {
        (Ok(Some(value)), Some(origin)) => Finding::ok(CHECK, setting.name, format!("{value} ({origin})")),
        (Ok(_), _) => Finding::ok(CHECK, setting.name, "not set: the server takes the default of your identity"),
        (Err(error), _) => Finding::of(error, CHECK, setting.name),
    }
}

/// What else there is to settings; what has a check of its own is left to that.
fn rest(overrides: &Overrides, env: &Env, config: &Config) -> Option<Finding> {
    let elsewhere = explain(overrides, env, config).iter().any(|setting| setting.value.is_err())
        || AuthMethod::of(overrides, env, config).is_err()
        || CaSource::of(overrides, env, config, true).is_err();
    let error = Settings::resolve(overrides, env, config).err().filter(|_| !elsewhere)?;
    Some(Finding::of(&error, CHECK, config.path().display()))
}

/// The settings; where the credentials are broken, those that a login without any would have, so that the servers can be
/// looked at all the same. The second tells whether they are whole.
pub fn resolve(overrides: &Overrides, env: &Env, config: &Config) -> Option<(Settings, bool)> {
    let patient = |settings: Settings| Settings {
        timeout: Some(settings.timeout.map_or(super::reach::PATIENCE, |time| time.min(super::reach::PATIENCE))),
        ..settings
    };
    if let Ok(settings) = Settings::resolve(overrides, env, config) {
        return Some((patient(settings), true));
    }
    let bare = Overrides { auth_strategy: Some("gss".to_owned()), ..overrides.clone() };
    Settings::resolve(&bare, env, config).ok().map(|settings| (patient(settings), false))
}
