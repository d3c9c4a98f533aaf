//! An identity provider that we talk to ourselves: what it says of itself (OpenID Connect Discovery 1.0), and what it
//! grants (RFC 6749).

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use oauth2::basic::{BasicClient, BasicErrorResponseType, BasicTokenResponse};
use oauth2::{
    AsyncHttpClient, AuthType, ClientId, ClientSecret, EndpointNotSet, EndpointSet, ErrorResponse, HttpRequest,
    HttpResponse, RefreshToken, RequestTokenError, Scope, TokenResponse, TokenUrl,
};
use reqwest::redirect::Policy;
use serde::Deserialize;
use url::Url;

use super::{Kept, cannot_authenticate, clock};
use crate::auth::{Claims, Token, now};
use crate::config::{CaSource, OidcProvider, OidcSettings};
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::http::{Client, root_cause, tls};
use crate::secret::Secret;

/// No answer of a provider is longer than this, in bytes.
const LONGEST_ANSWER: usize = 1 << 20;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// Where a provider gives tokens.
pub(super) type TokenEndpoint =
    BasicClient<EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// What a provider says of itself.
#[derive(Debug, Deserialize)]
struct Metadata {
    issuer: String,
    token_endpoint: String,
    authorization_endpoint: Option<String>,
    device_authorization_endpoint: Option<String>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
}

/// A provider that has introduced itself.
pub(super) struct Provider<'a> {
    pub(super) settings: &'a OidcProvider,
    oidc: &'a OidcSettings,
    metadata: Metadata,
    pub(super) http: Http,
}

/// What a provider granted.
pub(super) struct Granted {
    pub(super) token: Token,
    pub(super) refresh: Option<Secret>,
}

impl<'a> Provider<'a> {
    /// Reads what the provider says of itself.
    pub(super) async fn discover(client: &Client, at: &'a OidcProvider, oidc: &'a OidcSettings) -> Result<Self> {
        let http = Http::new(client)?;
        let request = oauth2::http::Request::get(format!("{}/.well-known/openid-configuration", at.issuer));
        let request = request.body(Vec::new()).map_err(|_| no_address(&at.issuer))?;
        safe(&at.issuer)?;
        let answer = http.send(request).await?;
        let unusable = |why: String| {
            cannot_authenticate(format!("{} is no OpenID Connect provider: {why}.", at.issuer))
                .with_hint("Correct [client] oidc_provider: the address before /.well-known/openid-configuration.")
        };
        if !answer.status().is_success() {
            return Err(unusable(format!("it answers {}", answer.status())));
        }
        let metadata: Metadata = serde_json::from_slice(answer.body())
            .map_err(|error| unusable(format!("its description of itself is not understood ({error})")))?;
        if metadata.issuer.trim_end_matches('/') != at.issuer {
            return Err(unusable(format!("it says that it is {}", metadata.issuer)));
        }
        Ok(Self { settings: at, oidc, metadata, http })
    }

    /// Its name as it writes it itself.
    pub(super) fn issuer(&self) -> &str {
        &self.metadata.issuer
    }

    /// Where it gives tokens.
    pub(super) fn token_endpoint(&self) -> Result<TokenEndpoint> {
        let url = TokenUrl::from_url(safe(&self.metadata.token_endpoint)?);
        let client = BasicClient::new(ClientId::new(self.settings.client_id.clone())).set_token_uri(url);
        let methods = &self.metadata.token_endpoint_auth_methods_supported;
        let takes = |name: &str| methods.iter().any(|method| method == name);
        // In the header unless the provider only takes it in the body.
        let client = match takes("client_secret_post") && !takes("client_secret_basic") {
            true => client.set_auth_type(AuthType::RequestBody),
            false => client,
        };
        Ok(match &self.settings.client_secret {
            Some(secret) => client.set_client_secret(ClientSecret::new(secret.expose().to_owned())),
            None => client,
        })
    }

    /// Where it sends a browser.
    pub(super) fn authorization_url(&self) -> Result<Url> {
        self.endpoint(self.metadata.authorization_endpoint.as_deref(), "in a browser", "device")
    }

    /// Where it gives codes for devices.
    pub(super) fn device_url(&self) -> Result<Url> {
        self.endpoint(self.metadata.device_authorization_endpoint.as_deref(), "by the device flow", "browser")
    }

    fn endpoint(&self, address: Option<&str>, how: &str, other: &str) -> Result<Url> {
        let missing = || {
            cannot_authenticate(format!("{} offers no login {how}.", self.settings.issuer))
                .with_hint(format!("Log in another way: [client] oidc_login = {other}."))
        };
        safe(address.ok_or_else(missing)?)
    }

    /// The scopes to ask for.
    pub(super) fn scopes(&self) -> impl Iterator<Item = Scope> {
        self.oidc.scope.split_whitespace().map(|scope| Scope::new(scope.to_owned()))
    }

    /// Whether a refresh token is asked for.
    pub(super) fn wants_refresh(&self) -> bool {
        self.oidc.scope.split_whitespace().any(|scope| scope == "offline_access")
    }

    /// Whom the token is to be for, by the names that providers have for it.
    pub(super) fn target(&self) -> Vec<(&'static str, String)> {
        let audience = self.oidc.audience.clone().map(|audience| ("audience", audience));
        audience.into_iter().chain(self.resource()).collect()
    }

    /// What is said again where a code or a refresh token is given for a token.
    pub(super) fn resource(&self) -> Option<(&'static str, String)> {
        self.settings.resource.clone().map(|resource| ("resource", resource))
    }

    /// A new token for a refresh token; none if the provider takes it no more.
    pub(super) async fn refresh(&self, kept: &Kept) -> Result<Option<Granted>> {
        let (endpoint, secret) = (self.token_endpoint()?, RefreshToken::new(kept.secret().to_owned()));
        let mut request = endpoint.exchange_refresh_token(&secret);
        if let Some((name, value)) = self.resource() {
            request = request.add_extra_param(name, value);
        }
        match request.request_async(&self.http).await {
            Ok(answer) => self.granted(&answer).map(Some),
            Err(RequestTokenError::ServerResponse(no)) if *no.error() == BasicErrorResponseType::InvalidGrant => {
                tracing::debug!("the login at {} is over: {no}", self.settings.issuer);
                Ok(None)
            }
            Err(error) => Err(self.failure(error)),
        }
    }

    /// Takes the token out of an answer. When it ends is reckoned from now, so that a wrong clock does no harm.
    pub(super) fn granted(&self, answer: &BasicTokenResponse) -> Result<Granted> {
        let value = answer.access_token().secret();
        if Claims::of(value).is_none() {
            return Err(cannot_authenticate(format!(
                "{} gave a token that is no JSON web token, and Rucio takes no other.",
                self.settings.issuer
            ))
            .with_hint(
                "Ask for one for Rucio: [client] oidc_audience, and oidc_resource where the provider wants it.",
            ));
        }
        let expires = answer.expires_in().and_then(|time| i64::try_from(time.as_secs()).ok()).map(|time| now() + time);
        let refresh = answer.refresh_token().map(|token| Secret::from(token.secret().as_str()));
        Ok(Granted { token: Token::new(value, expires), refresh })
    }

    /// A failure in our terms. What the provider answered is quoted only where it is a refusal: other answers may hold
    /// secrets.
    pub(super) fn failure<T: ErrorResponse>(&self, error: RequestTokenError<Error, T>) -> Error {
        match error {
            RequestTokenError::ServerResponse(refusal) => self.refused(&refusal.to_string()),
            RequestTokenError::Request(error) => error,
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => Error::new(
                Exception::ServerConnectionException,
                format!("The answer of {} is not understood.", self.settings.issuer),
            )
            .with_hint("Try again later, or tell the administrators of the provider."),
        }
    }

    /// A refusal with its reason, and what to do about it.
    pub(super) fn refused(&self, reason: &str) -> Error {
        let hint = match reason {
            _ if reason.starts_with("access_denied") => {
                "Run the command again, and allow in the browser what it asks for."
            }
            _ if reason.starts_with("expired_token") => "Run the command again, and log in before the code ends.",
            _ if reason.contains("client") => {
                "Check [client] oidc_client_id and oidc_client_secret with the administrators of the provider."
            }
            _ if reason.contains("scope") => "Ask for what the provider offers: --oidc-scope, or [client] oidc_scope.",
            _ if reason.contains("target") || reason.contains("resource") => {
                "Ask for a token that the provider gives: [client] oidc_audience and oidc_resource."
            }
            _ => "Run the command again; if that does not help, ask the administrators of the provider.",
        };
        cannot_authenticate(format!("{} refuses the login: {reason}", self.settings.issuer)).with_hint(hint)
    }
}

/// An address that secrets may be sent to: over TLS, or to this machine.
fn safe(address: &str) -> Result<Url> {
    let url = Url::parse(address).map_err(|_| no_address(address))?;
    let here = matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"));
    match url.scheme() {
        "https" => Ok(url),
        "http" if here => Ok(url),
        _ => Err(cannot_authenticate(format!("{address} is not reached over TLS, and secrets would be sent there."))
            .with_hint("Give [client] oidc_provider an address with https://.")),
    }
}

fn no_address(address: &str) -> Error {
    cannot_authenticate(format!("{address} is no address.")).with_hint("Correct [client] oidc_provider.")
}

/// Connections to a provider. They are not those to the Rucio server: a provider may have a certificate of any well-known
/// authority, and its answers never lead to another place.
#[derive(Debug, Clone)]
pub(super) struct Http(reqwest::Client);

impl Http {
    fn new(client: &Client) -> Result<Self> {
        let settings = client.settings();
        let tls = tls::client_config_of_all(&[settings.ca.clone(), CaSource::BuiltIn], None)?;
        reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .user_agent(client.user_agent())
            .connect_timeout(settings.timeout.unwrap_or(CONNECT_TIMEOUT))
            .read_timeout(settings.timeout.unwrap_or(IDLE_TIMEOUT))
            .redirect(Policy::none())
            .build()
            .map(Self)
            .map_err(unreachable)
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse> {
        let (parts, body) = request.into_parts();
        let url = parts.uri.to_string();
        tracing::debug!("HTTP request: {} {url}", parts.method);
        let request = self.0.request(parts.method, url).headers(parts.headers).body(body);
        let mut response = request.send().await.map_err(unreachable)?;
        tracing::debug!("HTTP response: {}", response.status());
        clock::compare(&response);
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

fn unreachable(error: reqwest::Error) -> Error {
    let place = error.url().map(|url| url.origin().ascii_serialization()).unwrap_or_default();
    let remedy = tls::failure(&error).map(|failure| failure.remedy);
    let details = format!("The identity provider {place} cannot be reached: {}", root_cause(&error));
    let other = || "Check [client] oidc_provider; the provider may be down: try again later.".to_owned();
    Error::new(Exception::ServerConnectionException, details).with_hint(remedy.unwrap_or_else(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_over_tls_or_stay_on_this_machine() {
        for (address, good) in [
            ("https://idp.example.org/token", true),
            ("http://127.0.0.1:8080/token", true),
            ("http://localhost/token", true),
            ("http://idp.example.org/token", false),
            ("ftp://idp.example.org/token", false),
            ("file:///token", false),
            ("idp", false),
        ] {
            let result = safe(address);
            assert_eq!(result.is_ok(), good, "{address}");
            assert!(good || result.is_err_and(|error| error.hint().is_some()), "{address}");
        }
    }
}
