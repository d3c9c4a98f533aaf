//! Target of a request: only the two servers that the token is for.

use url::{Position, Url};

use crate::config::Settings;
use crate::error::{Error, Result};
use crate::exceptions::Exception;

/// Path prefix of the authentication server.
const AUTH: &str = "auth/";
/// Paths below `AUTH` that need a token. The others issue one.
const ABOUT_TOKENS: [&str; 2] = ["auth/validate", "auth/oidc_refresh"];

/// A server, a path below it with its query, and whether to send the token.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub host: String,
    pub path: String,
    pub with_token: bool,
}

impl Target {
    /// Parses a path below one of the servers, or a complete URL of one. Errors: the URL is of another server.
    pub(super) fn parse(text: &str, settings: &Settings) -> Result<Self> {
        if !is_url(text) {
            let path = text.strip_prefix('/').unwrap_or(text);
            let host = if path.starts_with(AUTH) { &settings.auth_host } else { &settings.rucio_host };
            return Ok(Self { host: host.clone(), path: path.to_owned(), with_token: with_token(path) });
        }
        let url = Url::parse(text).map_err(|error| {
            Error::new(Exception::InputValidationError, format!("{text} is not a valid URL: {error}"))
        })?;
        let ours = [&settings.rucio_host, &settings.auth_host].into_iter().filter_map(|host| Url::parse(host).ok());
        let host = ours.into_iter().find(|host| host.origin() == url.origin());
        let has_credentials = !url.username().is_empty() || url.password().is_some();
        let Some(host) = host else { return Err(elsewhere(&url, settings)) };
        if has_credentials {
            return Err(elsewhere(&url, settings));
        }
        let below = url.path().strip_prefix(host.path().trim_end_matches('/')).unwrap_or(url.path());
        Ok(Self {
            with_token: with_token(below.trim_start_matches('/')),
            host: url.origin().ascii_serialization(),
            path: url[Position::BeforePath..Position::AfterQuery].trim_start_matches('/').to_owned(),
        })
    }
}

fn is_url(text: &str) -> bool {
    ["http://", "https://"]
        .iter()
        .any(|scheme| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
}

fn with_token(path: &str) -> bool {
    let end = path.find(['?', '#']).unwrap_or(path.len());
    !path.starts_with(AUTH) || ABOUT_TOKENS.contains(&path[..end].trim_end_matches('/'))
}

fn elsewhere(url: &Url, settings: &Settings) -> Error {
    let details = format!(
        "{} is neither rucio_host ({}) nor auth_host ({}), and the token is sent to no other host.",
        url.origin().ascii_serialization(),
        settings.rucio_host,
        settings.auth_host
    );
    Error::new(Exception::InputValidationError, details)
        .with_hint("Give only the path, or select the server with -H and --auth-host, or with --profile.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Overrides};
    use crate::env_vars::Env;

    fn settings() -> Settings {
        let text =
            "[client]\nrucio_host = https://r:443/api\nauth_host = https://a:8443\nauth_type = gss\naccount = x\n";
        let config = Config::parse(text, "/etc/rucio.cfg").unwrap();
        Settings::resolve(&Overrides::default(), &Env::fixed([]), &config).unwrap()
    }

    #[test]
    fn api_paths_go_to_the_server_they_belong_to() {
        let cases = [
            ("rses/", "https://r:443/api", "rses/", true),
            ("/rses/?a=b&c=%2F", "https://r:443/api", "rses/?a=b&c=%2F", true),
            ("authors/x", "https://r:443/api", "authors/x", true),
            ("auth/validate", "https://a:8443", "auth/validate", true),
            ("/auth/validate?x", "https://a:8443", "auth/validate?x", true),
            ("auth/userpass", "https://a:8443", "auth/userpass", false),
            ("//b/rses", "https://r:443/api", "/b/rses", true),
            ("https://r/api/rses/?q=%20", "https://r", "api/rses/?q=%20", true),
            ("HTTPS://A:8443/auth/x509#top", "https://a:8443", "auth/x509", false),
            ("https://r/api/auth/x509", "https://r", "api/auth/x509", false),
        ];
        for (text, host, path, with_token) in cases {
            let expected = Target { host: host.into(), path: path.into(), with_token };
            assert_eq!(Target::parse(text, &settings()).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn api_urls_of_other_hosts_are_refused() {
        for text in [
            "https://b/rses",
            "http://r:443/rses",
            "https://r:444/",
            "https://r@b/",
            "https://x@r/",
            "https://:y@r/",
            "https://",
        ] {
            let error = Target::parse(text, &settings()).unwrap_err();
            assert_eq!(error.class(), Some(Exception::InputValidationError), "{text}");
        }
    }
}
