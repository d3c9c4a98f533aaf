//! HTTP client for identity providers. Separate from the Rucio server's: a provider may have a certificate of any
//! well-known CA, and requests contain secrets.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use oauth2::{AsyncHttpClient, HttpRequest, HttpResponse};
use reqwest::header::HeaderMap;
use url::Url;

use super::cannot_authenticate;
use crate::auth::{Login, clock_skew};
use crate::config::CaSource;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::http::{Connections, Options, SendError, is_loopback, root_cause, tls};

/// Maximum length of a provider's response, in bytes.
const LONGEST_ANSWER: usize = 1 << 20;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// Parses an address that secrets may be sent to: over TLS, or on this machine.
pub(super) fn require_secure_url(address: &str) -> Result<Url> {
    let url = Url::parse(address).map_err(|error| invalid_url(address).with_source(error))?;
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        _ => Err(cannot_authenticate(format!("{address} is not reached over TLS, and secrets would be sent there."))
            .with_hint("Give [client] oidc_provider an address with https://.")),
    }
}

pub(super) fn invalid_url(address: &str) -> Error {
    cannot_authenticate(format!("{address} is not a URL")).with_hint("Correct [client] oidc_provider.")
}

/// HTTP client of a provider. It does not follow redirects.
#[derive(Debug, Clone)]
pub(super) struct Http(Connections);

impl Http {
    pub(super) fn new(login: &Login) -> Result<Self> {
        let settings = login.settings();
        let options = Options {
            tls: tls::client_config_of_all(&[settings.ca.clone(), CaSource::BuiltIn], None)?,
            user_agent: login.transport.user_agent()?,
            headers: HeaderMap::new(),
            connect_timeout: settings.timeout.unwrap_or(CONNECT_TIMEOUT),
            read_timeout: Some(settings.timeout.unwrap_or(IDLE_TIMEOUT)),
            max_idle: usize::MAX,
            requires_close: false,
        };
        Ok(Self(Connections::new(options)))
    }

    pub(super) async fn send(&self, request: HttpRequest) -> Result<HttpResponse> {
        let (parts, body) = request.into_parts();
        let url = parts.uri.to_string();
        tracing::debug!("HTTP request: {} {url}", parts.method);
        let address = Url::parse(&url).map_err(|error| unreachable(SendError::unsendable(error)))?;
        let mut request = reqwest::Request::new(parts.method, address);
        *request.headers_mut() = parts.headers;
        *request.body_mut() = Some(body.into());
        let mut response = self.0.send(request).await.map_err(unreachable)?;
        tracing::debug!("HTTP response: {}", response.status());
        clock_skew::warn_on_clock_skew(&response);
        let mut answer = HttpResponse::new(Vec::new());
        *answer.status_mut() = response.status();
        *answer.headers_mut() = response.headers().clone();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if answer.body().len() + chunk.len() > LONGEST_ANSWER {
                let whose = response.url().origin().ascii_serialization();
                return Err(Error::new(
                    Exception::ServerConnectionException,
                    format!("The answer of the identity provider {whose} is too long."),
                )
                .with_hint("Check [client] oidc_provider."));
            }
            answer.body_mut().extend_from_slice(&chunk);
        }
        Ok(answer)
    }
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

fn unreachable(error: impl Into<SendError>) -> Error {
    let error = error.into();
    let place = error.url().map(|url| url.origin().ascii_serialization()).unwrap_or_default();
    let hints = tls::failure(&error).map(|failure| failure.hints);
    let details = format!("The identity provider {place} cannot be reached: {}", root_cause(&error));
    let other = || vec!["Check [client] oidc_provider; the provider may be down: try again later.".into()];
    Error::new(Exception::ServerConnectionException, details).with_hints(hints.unwrap_or_else(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn provider_secrets_go_over_tls_or_stay_on_this_machine() {
        for (address, good) in [
            ("https://idp.example.org/token", true),
            ("http://127.0.0.1:8080/token", true),
            ("http://localhost/token", true),
            ("http://idp.example.org/token", false),
            ("ftp://idp.example.org/token", false),
            ("file:///token", false),
            ("idp", false),
        ] {
            let result = require_secure_url(address);
            assert_eq!(result.is_ok(), good, "{address}");
            assert!(good || result.is_err_and(|error| !error.hints().is_empty()), "{address}");
        }
    }
}
