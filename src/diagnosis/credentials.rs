//! Checks the credentials for logging in: those of the configured authentication method, and others.

use std::path::PathBuf;

use super::{Finding, Status, bearer, certificates, tickets};
use crate::auth::can_resume;
use crate::auth::ssh::{self, Readiness};
use crate::config::{AuthMethod, BearerTokens, Config, OidcLogin, OidcSettings, Overrides, Settings};
use crate::env_vars::{self, Env};

const CHECK: &str = "credentials";

/// Returns a finding for each credential of the configured authentication method, then for those of other methods.
pub(crate) fn examine(overrides: &Overrides, env: &Env, config: &Config) -> Vec<Finding> {
    let method = AuthMethod::from_config(overrides, env, config);
    let configured = match &method {
        Ok(method) => findings_for(method, overrides, env, config),
        // If no method is set, the check of the settings reports it.
        Err(error) => {
            let [.., auth_type] = crate::config::explain(overrides, env, config);
            auth_type.value.ok().flatten().map(|name| Finding::from_error(error, CHECK, name)).into_iter().collect()
        }
    };
    configured.into_iter().chain(others(method.ok().as_ref(), overrides, env, config)).collect()
}

/// Whether a login needs interaction.
pub(crate) fn asks(settings: &Settings) -> bool {
    match &settings.auth {
        AuthMethod::Userpass { username, password } => username.is_none() || password.is_none(),
        AuthMethod::X509 { cert, key } => certificates::asks(cert, key.as_deref()),
        AuthMethod::X509Proxy { .. } | AuthMethod::Gss => false,
        AuthMethod::Oidc(_) => !can_resume(settings),
        AuthMethod::Ssh { private_key, agent } => {
            ssh::readiness(private_key, agent.as_deref()).is_ok_and(|ready| ready == Readiness::Locked)
        }
    }
}

fn findings_for(method: &AuthMethod, overrides: &Overrides, env: &Env, config: &Config) -> Vec<Finding> {
    match method {
        AuthMethod::Userpass { username, password } => {
            let asked =
                |what: Option<String>, name| what.unwrap_or_else(|| format!("no {name} (a login prompts for it)"));
            let user = asked(username.as_ref().map(|name| format!("user {name}")), "user name");
            let password = asked(password.as_ref().map(|_| "a password".to_owned()), "password");
            vec![Finding::ok(CHECK, "userpass", format!("{user}, {password}"))]
        }
        AuthMethod::X509 { cert, key } => certificates::pair(CHECK, cert, key.as_deref()),
        AuthMethod::X509Proxy { proxy } => certificates::proxy(CHECK, proxy, &found_by(overrides, env, config)),
        AuthMethod::Oidc(settings) => {
            let tokens = bearer::examine(CHECK, true, &settings.bearer);
            [Finding::ok(CHECK, "oidc", oidc(settings))].into_iter().chain(tokens).collect()
        }
        AuthMethod::Ssh { private_key, agent } => tickets::ssh_key(CHECK, private_key, agent.as_deref()),
        AuthMethod::Gss => vec![tickets::kerberos(CHECK, env)],
    }
}

fn oidc(settings: &OidcSettings) -> String {
    let or = |value: &Option<String>, default: &str| value.clone().unwrap_or_else(|| default.to_owned());
    let by = match &settings.login {
        OidcLogin::Rucio => format!("through the server, issuer {}", or(&settings.issuer, "the server's default")),
        OidcLogin::Device(at) => format!("with a code, at {} as client {}", at.issuer, at.client_id),
        OidcLogin::Browser(at) => format!("with a browser, at {} as client {}", at.issuer, at.client_id),
    };
    format!("{by}, scope '{}', audience {}", settings.scope, or(&settings.audience, "the server's default"))
}

/// Returns which location of a proxy was used, in the order in which they are searched.
fn found_by(overrides: &Overrides, env: &Env, config: &Config) -> String {
    let place = match () {
        () if overrides.certificate.is_some() => "the command line",
        () if env.get(env_vars::RUCIO_CLIENT_PROXY).is_some() => env_vars::RUCIO_CLIENT_PROXY,
        () if config.non_empty("client", "client_x509_proxy").is_some() => "client_x509_proxy",
        () if env.get(env_vars::X509_USER_PROXY).is_some() => env_vars::X509_USER_PROXY,
        () => return ", at the default path".to_owned(),
    };
    format!(", set by {place}")
}

/// Checks the credentials of other methods than this one. None fails, because they are not in use.
pub(crate) fn others(method: Option<&AuthMethod>, overrides: &Overrides, env: &Env, config: &Config) -> Vec<Finding> {
    let proxy = Some(proxy(env)).filter(|file| file.is_file() && !is_used(method, file));
    let proxy = proxy.into_iter().flat_map(|file| certificates::proxy(CHECK, &file, ", used for storages"));
    let tickets =
        (tickets::has_kerberos(env) && method != Some(&AuthMethod::Gss)).then(|| tickets::kerberos(CHECK, env));
    let tokens = match method {
        Some(AuthMethod::Oidc(_)) => Vec::new(),
        _ => bearer::examine(CHECK, false, &BearerTokens::of(overrides, env, config)),
    };
    proxy.chain(tickets).chain(tokens).map(harmless).collect()
}

fn proxy(env: &Env) -> PathBuf {
    let usual = || format!("/tmp/x509up_u{}", rustix::process::geteuid().as_raw());
    env.get(env_vars::X509_USER_PROXY).unwrap_or_else(usual).into()
}

fn is_used(method: Option<&AuthMethod>, file: &std::path::Path) -> bool {
    matches!(method, Some(AuthMethod::X509Proxy { proxy }) if proxy == file)
}

fn harmless(finding: Finding) -> Finding {
    let status = if finding.status == Status::Failed { Status::Warning } else { finding.status };
    Finding { status, requires_login: false, ..finding }
}
