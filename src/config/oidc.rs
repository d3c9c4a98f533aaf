//! OpenID Connect settings: what to request, the provider, and where other programs' tokens may be.

use super::{
    Config, Overrides,
    sources::{Name, Sources},
};
use crate::{
    Error, Result,
    env_vars::{self, Env},
    exceptions::Exception,
    secret::Secret,
};
use std::{path::PathBuf, time::Duration};

/// What is requested of the identity provider, and how the user logs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OidcSettings {
    /// The scopes of the token, separated by blanks.
    pub scope: String,
    /// The audience of the token.
    pub audience: Option<String>,
    /// The identity provider, as named in the server's configuration.
    pub issuer: Option<String>,
    /// Whether to poll the server for the token instead of prompting the user for a code.
    pub polling: bool,
    /// Timeout of a login in the browser.
    pub polling_timeout: Duration,
    /// For how many hours the server renews the token.
    pub refresh_lifetime: Option<String>,
    /// Which party performs the login.
    pub login: OidcLogin,
    /// Where to find bearer tokens of other programs.
    pub bearer: BearerTokens,
}

/// Which party performs the login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OidcLogin {
    /// The Rucio server, which passes on the provider's token.
    Rucio,
    /// The client, at the provider: the user confirms a code on any device (RFC 8628).
    Device(OidcProvider),
    /// The client, at the provider: the browser is redirected to a port of this machine (RFC 8252).
    Browser(OidcProvider),
}

/// An identity provider that the client contacts itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OidcProvider {
    /// Its URL, without a trailing slash.
    pub issuer: String,
    /// The client's identifier there.
    pub client_id: String,
    /// The client's secret there; `None` for a public client.
    pub client_secret: Option<Secret>,
    /// The resource the token is for, if the provider requires that parameter (RFC 8707).
    pub resource: Option<String>,
}

/// Locations of WLCG bearer token discovery.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BearerTokens {
    /// The value of `BEARER_TOKEN`.
    pub variable: Option<Secret>,
    /// The file named by `BEARER_TOKEN_FILE`.
    pub named_file: Option<PathBuf>,
    /// The usual files of such tokens, in order of precedence.
    pub usual_files: Vec<PathBuf>,
    /// Whether a token must name the server that it is sent to: true if an option of the command line chose the server,
    /// unless another one sets the audience.
    pub must_name_server: bool,
}

impl BearerTokens {
    /// Resolves the locations of tokens for storages, which need not name the server.
    pub fn for_storages(env: &Env) -> Self {
        let name = format!("bt_u{}", rustix::process::geteuid().as_raw());
        let session = env.get(env_vars::XDG_RUNTIME_DIR).map(PathBuf::from);
        Self {
            variable: env.get(env_vars::BEARER_TOKEN).map(Into::into),
            named_file: env.get(env_vars::BEARER_TOKEN_FILE).map(PathBuf::from),
            usual_files: session.into_iter().chain(["/tmp".into()]).map(|folder| folder.join(&name)).collect(),
            must_name_server: false,
        }
    }

    /// Resolves the locations only, for any authentication method.
    pub fn of(overrides: &Overrides, env: &Env, config: &Config) -> Self {
        bearer(overrides, &Sources { env, config })
    }
}

pub(super) fn resolve(overrides: &Overrides, sources: &Sources<'_>) -> Result<OidcSettings> {
    let find = |given: &Option<String>, option| sources.find(given.as_ref(), &client(option));
    // The servers' names for providers are in lower case; a name in the file is sent unchanged.
    let issuer = overrides.oidc_issuer.as_ref().map(|name| name.to_lowercase());
    Ok(OidcSettings {
        scope: find(&overrides.oidc_scope, "oidc_scope").unwrap_or_else(|| "openid profile".to_owned()),
        audience: find(&overrides.oidc_audience, "oidc_audience"),
        issuer: find(&issuer, "oidc_issuer"),
        polling: overrides.oidc_polling || sources.config.bool("client", "oidc_polling")?.unwrap_or(false),
        polling_timeout: polling_timeout(sources)?,
        refresh_lifetime: find(&overrides.oidc_refresh_lifetime, "oidc_refresh_lifetime"),
        login: login(sources)?,
        bearer: bearer(overrides, sources),
    })
}

const fn client(option: &'static str) -> Name {
    Name::in_file(option)
}

/// Returns the polling timeout; the default is that of the official client.
fn polling_timeout(sources: &Sources<'_>) -> Result<Duration> {
    const DEFAULT_SECONDS: i64 = 180;
    let seconds = sources.config.int("client", "oidc_polling_timeout")?.unwrap_or(DEFAULT_SECONDS);
    u64::try_from(seconds).ok().filter(|seconds| *seconds > 0).map(Duration::from_secs).ok_or_else(|| {
        invalid_value(sources, "oidc_polling_timeout", &seconds.to_string())
            .with_hint("Write a number of seconds above 0, or remove the line.")
    })
}

fn login(sources: &Sources<'_>) -> Result<OidcLogin> {
    let way = sources.find(None, &client("oidc_login")).unwrap_or_else(|| "rucio".to_owned());
    match way.to_lowercase().as_str() {
        "rucio" => Ok(OidcLogin::Rucio),
        "device" => provider(sources).map(OidcLogin::Device),
        "browser" => provider(sources).map(OidcLogin::Browser),
        _ => {
            Err(invalid_value(sources, "oidc_login", &way)
                .with_hint("Write rucio, device or browser, or remove the line."))
        }
    }
}

fn provider(sources: &Sources<'_>) -> Result<OidcProvider> {
    let issuer = sources.require(None, &client("oidc_provider"))?;
    Ok(OidcProvider {
        issuer: issuer.trim_end_matches('/').to_owned(),
        client_id: sources.require(None, &client("oidc_client_id"))?,
        client_secret: sources.find(None, &client("oidc_client_secret")).map(Into::into),
        resource: sources.find(None, &client("oidc_resource")),
    })
}

fn bearer(overrides: &Overrides, sources: &Sources<'_>) -> BearerTokens {
    let must_name_server =
        (overrides.host.is_some() || overrides.auth_host.is_some()) && overrides.oidc_audience.is_none();
    BearerTokens { must_name_server, ..BearerTokens::for_storages(sources.env) }
}

fn invalid_value(sources: &Sources<'_>, option: &str, value: &str) -> Error {
    let file = sources.config.path().display();
    Error::new(Exception::ConfigurationError, format!("{file}: option '{option}' in [client] is '{value}'."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(overrides: &Overrides, env: &Env, text: &str) -> Result<OidcSettings> {
        let config = Config::parse(&format!("[client]\n{text}"), "/etc/rucio.cfg")?;
        resolve(overrides, &Sources { env, config: &config })
    }

    fn plain(text: &str) -> Result<OidcSettings> {
        resolved(&Overrides::default(), &Env::fixed([]), text)
    }

    fn given(value: &str) -> Option<String> {
        Some(value.to_owned())
    }

    #[test]
    fn oidc_options_win_over_the_file() {
        let text = "oidc_scope = a\noidc_audience = b\noidc_issuer = C\noidc_polling = yes\noidc_polling_timeout = 9";
        let overrides = Overrides { oidc_scope: given("s"), oidc_issuer: given("WLCG"), ..Overrides::default() };
        let settings = resolved(&overrides, &Env::fixed([]), text).unwrap();
        assert_eq!((settings.scope.as_str(), settings.issuer.as_deref()), ("s", Some("wlcg")));
        assert_eq!((settings.audience.as_deref(), settings.polling), (Some("b"), true));
        assert_eq!(settings.polling_timeout, Duration::from_secs(9));
        let settings = plain("").unwrap();
        assert_eq!((settings.scope.as_str(), settings.audience, settings.issuer), ("openid profile", None, None));
        assert_eq!((settings.polling, settings.polling_timeout.as_secs()), (false, 180));
        assert_eq!((settings.login, settings.bearer.must_name_server), (OidcLogin::Rucio, false));
    }

    #[test]
    fn oidc_login_at_the_provider_needs_issuer_and_client_id() {
        let text = "oidc_login = Device\noidc_provider = https://idp/\noidc_client_id = me\noidc_client_secret = s%x";
        let provider = OidcProvider {
            issuer: "https://idp".into(),
            client_id: "me".into(),
            client_secret: Some("s%x".into()),
            resource: None,
        };
        assert_eq!(plain(text).unwrap().login, OidcLogin::Device(provider));
        for (text, named) in [("oidc_provider = https://idp", "oidc_client_id"), ("", "oidc_provider")] {
            let error = plain(&format!("oidc_login = browser\n{text}")).unwrap_err();
            assert_eq!(error.class(), Some(Exception::MissingClientParameter));
            assert!(error.to_string().contains(named) && !error.hints().is_empty(), "{error}");
        }
    }

    #[test]
    fn oidc_settings_in_conflict_are_refused_with_advice() {
        for text in ["oidc_login = telepathy", "oidc_polling_timeout = 0", "oidc_polling_timeout = soon"] {
            let error = plain(text).unwrap_err();
            assert_eq!(error.class(), Some(Exception::ConfigurationError), "{text}");
            assert!(!error.hints().is_empty(), "{text}");
        }
    }

    #[test]
    fn oidc_tokens_of_other_programs_are_at_the_paths_of_wlcg() {
        let env = Env::fixed([("BEARER_TOKEN", "t"), ("BEARER_TOKEN_FILE", "/a"), ("XDG_RUNTIME_DIR", "/run/me")]);
        let bearer = resolved(&Overrides::default(), &env, "").unwrap().bearer;
        let name = format!("bt_u{}", rustix::process::geteuid().as_raw());
        assert_eq!((bearer.variable, bearer.named_file), (Some("t".into()), Some("/a".into())));
        assert_eq!(bearer.usual_files, [PathBuf::from("/run/me").join(&name), PathBuf::from("/tmp").join(&name)]);
    }

    #[test]
    fn oidc_token_for_a_server_on_the_command_line_must_name_it() {
        let host = Overrides { host: given("https://b"), ..Overrides::default() };
        let bound =
            |overrides: &Overrides| resolved(overrides, &Env::fixed([]), "oidc_audience = rucio").unwrap().bearer;
        assert!(bound(&host).must_name_server);
        assert!(!bound(&Overrides { oidc_audience: given("rucio"), ..host }).must_name_server);
        assert!(!bound(&Overrides::default()).must_name_server);
    }
}
