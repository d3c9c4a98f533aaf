//! Settings that a client needs before it contacts a server.

use super::{
    AuthMethod, CaSource, Config, GivenCredentials, ca, paths, servers,
    sources::{Name, Sources},
    tokens::{DEFAULT_VO, TokenPaths},
};
use crate::{Error, Result, env_vars::Env, error::LOG_ONLY, exceptions::Exception, hint::Parameter, secret::Secret};
use std::{path::PathBuf, time::Duration};

/// The global options of the command line, as they were given.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// The configuration file.
    pub config: Option<String>,
    /// The server.
    pub host: Option<String>,
    /// The authentication server.
    pub auth_host: Option<String>,
    /// The account.
    pub account: Option<String>,
    /// The authentication method, in any case.
    pub auth_strategy: Option<String>,
    /// CA certificates: a file or a folder.
    pub ca_certificate: Option<String>,
    /// The client certificate, for x509 and x509_proxy.
    pub certificate: Option<String>,
    /// The key of the client certificate, for x509.
    pub client_key: Option<String>,
    /// The user name, for userpass.
    pub user: Option<String>,
    /// The password, for userpass.
    pub password: Option<Secret>,
    /// The VO.
    pub vo: Option<String>,
    /// The request timeout, in seconds.
    pub timeout: Option<f64>,
    /// The first part of the User-Agent header.
    pub user_agent: Option<String>,
    /// The scopes of an OIDC token.
    pub oidc_scope: Option<String>,
    /// The audience of an OIDC token.
    pub oidc_audience: Option<String>,
    /// Whether to poll the server for the token.
    pub oidc_polling: bool,
    /// For how many hours the server renews the token.
    pub oidc_refresh_lifetime: Option<String>,
    /// The identity provider, as named in the server's configuration.
    pub oidc_issuer: Option<String>,
    /// The profile: the section `[profile NAME]` of the configuration.
    pub profile: Option<String>,
    /// Whether not to verify the servers' certificates.
    pub insecure: bool,
    /// Whether to print the login URL instead of opening a browser.
    pub no_browser: bool,
}

/// Everything a client needs, with the precedence command line, environment, file.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The server's URL, without a trailing slash.
    pub rucio_host: String,
    /// The authentication server's URL, without a trailing slash.
    pub auth_host: String,
    /// The URL that traces are sent to; the server's unless configured.
    pub trace_host: String,
    /// Whether both servers are those of `[client]` in the configuration file, not of an option or a profile.
    pub hosts_from_file: bool,
    /// The account to act as. If none is set, the server chooses the identity's default.
    pub account: Option<String>,
    /// The VO; `def` on a server that has only one.
    pub vo: String,
    /// The authentication method.
    pub auth: AuthMethod,
    /// Which credentials of the method override those in the configuration file.
    pub given: GivenCredentials,
    /// CA certificates used to verify servers.
    pub ca: CaSource,
    /// Whether certificate verification is off. Only the command line can set this.
    pub insecure: bool,
    /// Whether a login may open a browser.
    pub browser: bool,
    /// The request timeout, if the user sets one.
    pub timeout: Option<Duration>,
    /// The first part of the User-Agent header; the version follows it.
    pub user_agent: String,
    /// Maximum number of attempts of a request.
    pub request_retries: u32,
    /// The token file that the user configured, if any.
    pub auth_token_file_path: Option<PathBuf>,
    /// The folder of the cached token.
    pub token_dir: PathBuf,
    /// The file of the cached token.
    pub token_file: PathBuf,
    /// The file with the expiry of a refreshed OIDC token, in seconds since 1970.
    pub token_exp_epoch_file: PathBuf,
    /// Whether the client refreshes OIDC tokens.
    pub oidc_refresh_active: bool,
    /// How many minutes before its expiry an OIDC token is refreshed.
    pub oidc_refresh_before_exp: i64,
}

pub(super) const RUCIO_HOST: Name = Name::of("rucio_host", Parameter::Host);
pub(super) const AUTH_HOST: Name = Name::of("auth_host", Parameter::AuthHost);
pub(super) const ACCOUNT: Name = Name::of("account", Parameter::Account);
const TOKEN_FILE: Name = Name::path_in_file("auth_token_file_path");
const VO: Name = Name::of("vo", Parameter::Vo);

impl Settings {
    /// Resolves all settings. Checks certificate and key files and the folder for temporary files, but changes nothing
    /// and contacts no server.
    ///
    /// # Errors
    /// `MissingClientParameter` if an option or a file is missing, `ClientProtocolNotFound` and
    /// `ClientProtocolNotSupported` for a URL without http or https, `CannotAuthenticate` for an unknown method or a
    /// file that cannot be used, `ConfigurationError` for an option of the wrong type, and [`ErrorKind::Value`](crate::error::ErrorKind::Value) for an
    /// invalid timeout.
    pub fn resolve(overrides: &Overrides, env: &Env, config: &Config) -> Result<Self> {
        let sources = Sources { env, config };
        AuthMethod::required_name(overrides, &sources).inspect_err(log_missing_method)?;
        let rucio_host = servers::checked(&sources.require(overrides.host.as_ref(), &RUCIO_HOST)?, "rucio_host")?;
        let auth_host = servers::checked(&sources.require(overrides.auth_host.as_ref(), &AUTH_HOST)?, "auth_host")?;
        let https = servers::is_https(&rucio_host) || servers::is_https(&auth_host);
        let account = sources.find(overrides.account.as_ref(), &ACCOUNT);
        let vo = sources.find(overrides.vo.as_ref(), &VO).unwrap_or_else(|| DEFAULT_VO.to_owned());
        let chosen = sources.find(None, &TOKEN_FILE).map(|path| paths::expand(&path, env));
        let tokens = TokenPaths::new(chosen.as_deref(), account.as_deref(), &vo, env)?;
        let auth = AuthMethod::resolve(overrides, &sources)?;
        Ok(Self {
            hosts_from_file: overrides.host.is_none()
                && overrides.auth_host.is_none()
                && !config.profile_has(&["rucio_host", "auth_host"]),
            trace_host: config.non_empty("trace", "trace_host").unwrap_or_else(|| rucio_host.clone()),
            given: auth.given(overrides, &sources),
            auth,
            ca: ca::resolve(overrides.ca_certificate.as_ref(), &sources, https)?,
            timeout: overrides.timeout.map(timeout).transpose()?,
            insecure: overrides.insecure,
            browser: !overrides.no_browser,
            user_agent: overrides.user_agent.clone().unwrap_or_else(|| "rucio-clients".to_owned()),
            request_retries: request_retries(config),
            auth_token_file_path: chosen,
            token_dir: tokens.dir,
            token_file: tokens.token,
            token_exp_epoch_file: tokens.expiry,
            oidc_refresh_active: config.bool("client", "auth_oidc_refresh_active")?.unwrap_or(false),
            oidc_refresh_before_exp: config.int("client", "auth_oidc_refresh_before_exp")?.unwrap_or(20),
            rucio_host,
            auth_host,
            account,
            vo,
        })
    }
}

/// Logs what the official client says if no authentication method is set.
fn log_missing_method(error: &Error) {
    if error.class() == Some(Exception::MissingClientParameter) {
        tracing::error!(target: LOG_ONLY, "Cannot get AUTH_TYPE");
    }
}

fn timeout(seconds: f64) -> Result<Duration> {
    Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|time| !time.is_zero())
        .ok_or_else(|| Error::value(format!("The time-out must be a number of seconds above 0, not {seconds}.")))
}

/// The official client uses the default if this is not a number, and existing files rely on that.
fn request_retries(config: &Config) -> u32 {
    const DEFAULT_RETRIES: u32 = 3;
    let configured = config.int("client", "request_retries").map(|number| number.map(u32::try_from));
    match configured {
        Ok(None) => DEFAULT_RETRIES,
        Ok(Some(Ok(number))) => number,
        Ok(Some(Err(_))) | Err(_) => {
            tracing::warn!("request_retries in {} is not a usable number; 3 is used", config.path().display());
            DEFAULT_RETRIES
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::hint::Hint;
    use std::path::Path;

    const FILE: &str =
        "[client]\nrucio_host = https://r:443/\nauth_host = https://a\nauth_type = gss\naccount = root\n";

    fn resolve(overrides: &Overrides, env: &Env, text: &str) -> Result<Settings> {
        Settings::resolve(overrides, env, &Config::parse(text, "/etc/rucio.cfg")?)
    }

    fn plain(text: &str) -> Settings {
        resolve(&Overrides::default(), &Env::fixed([]), text).unwrap()
    }

    #[test]
    fn settings_come_from_the_file_and_defaults() {
        let settings = plain(FILE);
        assert_eq!((settings.rucio_host.as_str(), settings.auth_host.as_str()), ("https://r:443", "https://a"));
        assert_eq!(settings.trace_host, "https://r:443");
        assert_eq!((settings.account.as_deref(), settings.vo.as_str()), (Some("root"), "def"));
        assert_eq!((settings.auth, settings.ca, settings.timeout), (AuthMethod::Gss, CaSource::BuiltIn, None));
        assert_eq!((settings.user_agent.as_str(), settings.request_retries), ("rucio-clients", 3));
        assert!(!settings.oidc_refresh_active && settings.auth_token_file_path.is_none());
        assert_eq!(settings.oidc_refresh_before_exp, 20);
    }

    #[test]
    fn settings_prefer_options_to_variables_to_the_file() {
        let env = Env::fixed([("RUCIO_ACCOUNT", "lee"), ("RUCIO_VO", "atl")]);
        let settings = resolve(&Overrides::default(), &env, FILE).unwrap();
        assert_eq!((settings.account.as_deref(), settings.vo.as_str()), (Some("lee"), "atl"));
        let options = Overrides {
            account: Some("kim".into()),
            vo: Some("cms".into()),
            host: Some("http://h".into()),
            auth_host: Some("http://i".into()),
            timeout: Some(1.5),
            user_agent: Some("bot".into()),
            ..Overrides::default()
        };
        let settings = resolve(&options, &env, FILE).unwrap();
        assert_eq!((settings.account.as_deref(), settings.vo.as_str()), (Some("kim"), "cms"));
        assert_eq!((settings.rucio_host.as_str(), settings.auth_host.as_str()), ("http://h", "http://i"));
        assert_eq!((settings.timeout, settings.user_agent.as_str()), (Some(Duration::from_millis(1500)), "bot"));
    }

    #[test]
    fn settings_error_names_the_missing_option_with_the_file() {
        let error = resolve(&Overrides::default(), &Env::fixed([]), "[client]\nauth_type = gss\n").unwrap_err();
        assert_eq!(error.class(), Some(Exception::MissingClientParameter));
        assert!(error.to_string().contains("'rucio_host'") && error.to_string().contains("/etc/rucio.cfg"));
        assert_eq!(error.hints(), [Hint::parameters("Set it", [Parameter::Host])]);
    }

    #[test]
    fn settings_token_file_may_have_a_tilde() {
        let env = Env::fixed([("HOME", "/home/kim")]);
        let text = format!("{FILE}auth_token_file_path = ~/tokens/$NAME\n");
        let settings = resolve(&Overrides::default(), &env, &text).unwrap();
        assert_eq!(settings.token_file, Path::new("/home/kim/tokens/$NAME"));
        assert_eq!(settings.auth_token_file_path, Some(settings.token_file));
        assert_eq!(settings.token_dir, Path::new("/home/kim/tokens"));
        assert_eq!(settings.token_exp_epoch_file, Path::new("/home/kim/tokens/auth_token_exp_for_account_root"));
    }

    #[test]
    fn settings_check_numbers_and_truth_values() {
        let with = |line: &str| resolve(&Overrides::default(), &Env::fixed([]), &format!("{FILE}{line}\n"));
        assert_eq!(with("request_retries = 5").unwrap().request_retries, 5);
        assert_eq!(with("request_retries = many").unwrap().request_retries, 3);
        assert_eq!(with("request_retries = -1").unwrap().request_retries, 3);
        assert!(with("auth_oidc_refresh_active = On").unwrap().oidc_refresh_active);
        let error = with("auth_oidc_refresh_active = perhaps").unwrap_err();
        assert_eq!(error.class(), Some(Exception::ConfigurationError));
        assert!(error.to_string().contains("/etc/rucio.cfg, line 6"), "{error}");
        for seconds in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(timeout(seconds).unwrap_err().kind(), ErrorKind::Value, "{seconds}");
        }
    }

    #[test]
    fn settings_take_cas_from_the_first_place_that_is_set() {
        let dir = tempfile::tempdir().unwrap();
        let (folder, file) = (dir.path().to_owned(), dir.path().join("ca.pem"));
        std::fs::write(&file, "x").unwrap();
        let (folder_text, file_text) = (folder.display().to_string(), file.display().to_string());
        let in_file = format!("{FILE}ca_cert = {file_text}\n");
        let ca = |overrides: &Overrides, env: Env, text: &str| resolve(overrides, &env, text).map(|all| all.ca);
        let none = Overrides::default();
        let option = Overrides { ca_certificate: Some(file_text.clone()), ..Overrides::default() };
        let cert_dir = Env::fixed([("X509_CERT_DIR", &folder_text)]);
        assert_eq!(ca(&option, cert_dir.clone(), FILE).unwrap(), CaSource::File(file.clone()));
        assert_eq!(ca(&none, cert_dir, &in_file).unwrap(), CaSource::Dir(folder.clone()));
        let bundles = Env::fixed([("REQUESTS_CA_BUNDLE", &folder_text), ("CURL_CA_BUNDLE", "/nowhere")]);
        assert_eq!(ca(&none, bundles.clone(), &in_file).unwrap(), CaSource::File(file.clone()));
        assert_eq!(ca(&none, bundles, FILE).unwrap(), CaSource::Dir(folder));
        assert_eq!(ca(&none, Env::fixed([("CURL_CA_BUNDLE", &file_text)]), FILE).unwrap(), CaSource::File(file));
        let nowhere = Env::fixed([("CURL_CA_BUNDLE", "/nowhere")]);
        let unreadable = ca(&none, nowhere.clone(), FILE).unwrap_err();
        let unreadable = unreadable.to_string();
        assert!(unreadable.contains("TLS CA certificate bundle, invalid path: /nowhere: "), "{unreadable}");
        assert_eq!(ca(&none, nowhere, &FILE.replace("https", "http")).unwrap(), CaSource::BuiltIn);
    }
}
