//! Checks servers, account and authentication method: their values and origins.

use super::Finding;
use crate::config::{AuthMethod, CaSource, Config, Overrides, Setting, Settings, explain};
use crate::env_vars::Env;

const CHECK: &str = "settings";

/// Returns a finding for each setting.
pub(crate) fn examine(overrides: &Overrides, env: &Env, config: &Config) -> Vec<Finding> {
    explain(overrides, env, config).iter().map(finding).chain(other_settings(overrides, env, config)).collect()
}

fn finding(setting: &Setting) -> Finding {
    match (&setting.value, setting.origin) {
        (Ok(Some(value)), Some(origin)) => Finding::ok(CHECK, setting.name, format!("{value} ({origin})")),
        (Ok(_), _) => Finding::ok(CHECK, setting.name, "not set: the server uses the default account of your identity"),
        (Err(error), _) => Finding::from_error(error, CHECK, setting.name),
    }
}

/// Returns the finding for other errors of the settings; those with a check of their own are left to that.
fn other_settings(overrides: &Overrides, env: &Env, config: &Config) -> Option<Finding> {
    let elsewhere = explain(overrides, env, config).iter().any(|setting| setting.value.is_err())
        || AuthMethod::from_config(overrides, env, config).is_err()
        || CaSource::from_config(overrides, env, config, true).is_err();
    if elsewhere {
        return None;
    }
    let error = Settings::resolve(overrides, env, config).err()?;
    Some(Finding::from_error(&error, CHECK, config.path().display()))
}

/// Resolves the settings; if the credentials are broken, those of a login without any, so that the servers can still be
/// checked. The second value says whether they are complete.
pub(crate) fn resolve(overrides: &Overrides, env: &Env, config: &Config) -> Option<(Settings, bool)> {
    let patient = |settings: Settings| Settings {
        timeout: Some(settings.timeout.map_or(super::reach::STEP_TIMEOUT, |time| time.min(super::reach::STEP_TIMEOUT))),
        ..settings
    };
    if let Ok(settings) = Settings::resolve(overrides, env, config) {
        return Some((patient(settings), true));
    }
    let bare = Overrides { auth_strategy: Some("gss".to_owned()), ..overrides.clone() };
    Settings::resolve(&bare, env, config).ok().map(|settings| (patient(settings), false))
}
