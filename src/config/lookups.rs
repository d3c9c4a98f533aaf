//! Debug lines that tell where settings are looked up, in the words of the official client.

use super::{AuthMethod, CaSource, Config, Overrides, Settings, servers};
use crate::env_vars::{self, Env};

impl Settings {
    /// Logs which settings no option gives, and where they are looked up instead.
    pub fn log_lookups(&self, overrides: &Overrides, env: &Env, config: &Config) {
        if tracing::enabled!(tracing::Level::DEBUG) {
            self.lookups(overrides, env, config).iter().for_each(|line| tracing::debug!("{line}"));
        }
    }

    fn lookups(&self, overrides: &Overrides, env: &Env, config: &Config) -> Vec<&'static str> {
        let https = servers::is_https(&self.rucio_host) || servers::is_https(&self.auth_host);
        let needs_ca = https && overrides.ca_certificate.is_none();
        let ca_in_env = env.get(env_vars::X509_CERT_DIR).is_some();
        let needs_vo = overrides.vo.is_none();
        let vo_in_env = env.get(env_vars::RUCIO_VO).is_some();
        let lines = [
            (config.get("trace", "trace_host").is_none(), "No trace_host passed. Using rucio_host instead"),
            (!self.has_credentials(overrides), "No creds passed. Trying to get it from the config file."),
            (needs_ca, "HTTPS is required, but no ca_cert was passed. Trying to get it from X509_CERT_DIR."),
            (
                needs_ca && !ca_in_env,
                "HTTPS is required, but no ca_cert was passed and X509_CERT_DIR is not defined. Trying to get it from the \
                 config file.",
            ),
            (
                needs_ca && self.ca == CaSource::BuiltIn,
                "No ca_cert found in configuration. Falling back to Mozilla default CA bundle.",
            ),
            (
                overrides.account.is_none(),
                "No account passed. Trying to get it from the RUCIO_ACCOUNT environment variable or the config file.",
            ),
            (needs_vo, "No VO passed. Trying to get it from environment variable RUCIO_VO."),
            (needs_vo && !vo_in_env, "No VO found. Trying to get it from the config file."),
            (needs_vo && !vo_in_env && config.get("client", "vo").is_none(), "No VO found. Using default VO."),
            (
                config.get("client", "request_retries").is_none(),
                "request_retries not specified in config file. Taking default.",
            ),
        ];
        lines.into_iter().filter(|(applies, _)| *applies).map(|(_, line)| line).collect()
    }

    /// Whether options give the credentials, or the method has settings of its own for them.
    fn has_credentials(&self, overrides: &Overrides) -> bool {
        match self.auth {
            AuthMethod::Userpass { .. } => overrides.user.is_some() && overrides.password.is_some(),
            AuthMethod::X509Proxy { .. } => overrides.certificate.is_some(),
            AuthMethod::X509 { .. } | AuthMethod::Oidc(_) => true,
            AuthMethod::Ssh { .. } | AuthMethod::Gss => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookups(overrides: &Overrides, env: &Env, more: &str) -> String {
        let text = format!("[client]\nrucio_host = https://r\nauth_host = https://r\nauth_type = userpass\n{more}\n");
        let config = Config::parse(&text, "/etc/rucio.cfg").unwrap();
        Settings::resolve(overrides, env, &config).unwrap().lookups(overrides, env, &config).join("\n")
    }

    #[test]
    fn lookups_are_logged_for_what_no_option_gives() {
        let none = lookups(&Overrides::default(), &Env::fixed([]), "");
        for part in
            ["No trace_host", "No creds", "X509_CERT_DIR is not", "RUCIO_ACCOUNT", "Using default VO", "retries"]
        {
            assert!(none.contains(part), "{part}: {none}");
        }
        let overrides = Overrides {
            account: Some("kim".into()),
            vo: Some("atl".into()),
            user: Some("kim".into()),
            password: Some("x".to_owned().into()),
            ca_certificate: Some("/".into()),
            ..Overrides::default()
        };
        let given = lookups(&overrides, &Env::fixed([]), "request_retries = 2\n[trace]\ntrace_host = https://t");
        assert_eq!(given, "");
        let in_env = Env::fixed([("RUCIO_VO", "atl"), ("X509_CERT_DIR", "/")]);
        let in_env = lookups(&Overrides::default(), &in_env, "");
        assert!(!in_env.contains("No VO found") && !in_env.contains("is not defined"), "{in_env}");
    }
}
