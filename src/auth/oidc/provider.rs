//! An identity provider that the client contacts itself: its metadata (OpenID Connect Discovery 1.0) and the tokens it
//! grants (RFC 6749).

use oauth2::basic::{BasicClient, BasicErrorResponseType, BasicTokenResponse};
use oauth2::{
    AuthType, ClientId, ClientSecret, EndpointNotSet, EndpointSet, ErrorResponse, RefreshToken, RequestTokenError,
    Scope, TokenResponse, TokenUrl,
};
use serde::Deserialize;
use url::Url;

use super::provider_http::{Http, invalid_url, require_secure_url};
use super::{RefreshTokenRecord, cannot_authenticate};
use crate::auth::{Claims, Login, Token};
use crate::config::{OidcProvider, OidcSettings};
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::hint::{Hint, Parameter};
use crate::secret::Secret;
use crate::time::unix_time;

/// Client of a provider's token endpoint.
pub(super) type TokenEndpoint =
    BasicClient<EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// A provider's metadata.
#[derive(Debug, Deserialize)]
struct ProviderMetadata {
    issuer: String,
    token_endpoint: String,
    authorization_endpoint: Option<String>,
    device_authorization_endpoint: Option<String>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
}

/// A provider whose metadata has been read.
pub(super) struct Provider<'a> {
    pub(super) settings: &'a OidcProvider,
    oidc: &'a OidcSettings,
    metadata: ProviderMetadata,
    pub(super) http: Http,
}

/// Tokens granted by a provider.
pub(super) struct Grant {
    pub(super) token: Token,
    pub(super) refresh: Option<Secret>,
}

impl<'a> Provider<'a> {
    /// Reads the provider's metadata.
    pub(super) async fn discover(login: &Login, at: &'a OidcProvider, oidc: &'a OidcSettings) -> Result<Self> {
        let http = Http::new(login)?;
        let request = oauth2::http::Request::get(format!("{}/.well-known/openid-configuration", at.issuer));
        let request = request.body(Vec::new()).map_err(|error| invalid_url(&at.issuer).with_source(error))?;
        require_secure_url(&at.issuer)?;
        let answer = http.send(request).await?;
        let unusable = |why: String| {
            cannot_authenticate(format!("{} is not an OpenID Connect provider: {why}.", at.issuer))
                .with_hint("Correct [client] oidc_provider: the address before /.well-known/openid-configuration.")
        };
        if !answer.status().is_success() {
            return Err(unusable(format!("it answers {}", answer.status())));
        }
        let metadata: ProviderMetadata = serde_json::from_slice(answer.body())
            .map_err(|error| unusable(format!("its description of itself is not understood ({error})")))?;
        if metadata.issuer.trim_end_matches('/') != at.issuer {
            return Err(unusable(format!("it says that it is {}", metadata.issuer)));
        }
        Ok(Self { settings: at, oidc, metadata, http })
    }

    /// Returns the issuer as the provider writes it.
    pub(super) fn issuer(&self) -> &str {
        &self.metadata.issuer
    }

    /// Returns a client of the token endpoint.
    pub(super) fn token_endpoint(&self) -> Result<TokenEndpoint> {
        let url = TokenUrl::from_url(require_secure_url(&self.metadata.token_endpoint)?);
        let client = BasicClient::new(ClientId::new(self.settings.client_id.clone())).set_token_uri(url);
        let methods = &self.metadata.token_endpoint_auth_methods_supported;
        let takes = |name: &str| methods.iter().any(|method| method == name);
        // The secret is sent in the header unless the provider only accepts it in the body.
        let client = if takes("client_secret_post") && !takes("client_secret_basic") {
            client.set_auth_type(AuthType::RequestBody)
        } else {
            client
        };
        Ok(match &self.settings.client_secret {
            Some(secret) => client.set_client_secret(ClientSecret::new(secret.expose().to_owned())),
            None => client,
        })
    }

    /// Returns the authorization endpoint, for a browser.
    pub(super) fn authorization_url(&self) -> Result<Url> {
        self.endpoint(self.metadata.authorization_endpoint.as_deref(), "in a browser", "device")
    }

    /// Returns the device authorization endpoint.
    pub(super) fn device_url(&self) -> Result<Url> {
        self.endpoint(self.metadata.device_authorization_endpoint.as_deref(), "by the device flow", "browser")
    }

    fn endpoint(&self, address: Option<&str>, how: &str, other: &str) -> Result<Url> {
        let missing = || {
            cannot_authenticate(format!("{} offers no login {how}.", self.settings.issuer))
                .with_hint(format!("Log in another way: [client] oidc_login = {other}."))
        };
        require_secure_url(address.ok_or_else(missing)?)
    }

    /// Returns the scopes to request.
    pub(super) fn scopes(&self) -> impl Iterator<Item = Scope> {
        self.oidc.scope.split_whitespace().map(|scope| Scope::new(scope.to_owned()))
    }

    /// Whether a refresh token is requested.
    pub(super) fn requests_refresh_token(&self) -> bool {
        self.oidc.scope.split_whitespace().any(|scope| scope == "offline_access")
    }

    /// Returns the parameters that name the service the token is for; providers differ in which one they read.
    pub(super) fn target(&self) -> Vec<(&'static str, String)> {
        let audience = self.oidc.audience.clone().map(|audience| ("audience", audience));
        audience.into_iter().chain(self.resource()).collect()
    }

    /// Returns the parameter to repeat when a code or a refresh token is exchanged for a token.
    pub(super) fn resource(&self) -> Option<(&'static str, String)> {
        self.settings.resource.clone().map(|resource| ("resource", resource))
    }

    /// Exchanges a refresh token; `None` if the provider no longer accepts it.
    pub(super) async fn refresh(&self, record: &RefreshTokenRecord) -> Result<Option<Grant>> {
        let endpoint = self.token_endpoint()?;
        let secret = RefreshToken::new(record.secret().to_owned());
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

    /// Reads the tokens from a response. The expiry is computed from now, so that a wrong clock does no harm.
    pub(super) fn granted(&self, answer: &BasicTokenResponse) -> Result<Grant> {
        let value = answer.access_token().secret();
        if Claims::parse(value).is_none() {
            return Err(cannot_authenticate(format!(
                "The token of {} is not a JSON web token; Rucio accepts no others.",
                self.settings.issuer
            ))
            .with_hint("Request one for Rucio: [client] oidc_audience, and oidc_resource if the provider needs it."));
        }
        let expires = answer
            .expires_in()
            .and_then(|time| i64::try_from(time.as_secs()).ok())
            .map(|time| unix_time().saturating_add(time));
        let refresh = answer.refresh_token().map(|token| Secret::from(token.secret().as_str()));
        Ok(Grant { token: Token::new(value, expires), refresh })
    }

    /// Converts an error. The provider's response is quoted only if it is a refusal: other responses may contain
    /// secrets.
    pub(super) fn failure<T: ErrorResponse>(&self, error: RequestTokenError<Error, T>) -> Error {
        match error {
            RequestTokenError::ServerResponse(refusal) => self.refused(&refusal.to_string()),
            RequestTokenError::Request(error) => error,
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => Error::new(
                Exception::ServerConnectionException,
                format!("The answer of {} is not valid.", self.settings.issuer),
            )
            .with_hint("Try again later, or tell the administrators of the provider."),
        }
    }

    /// Returns the error for a refusal, with its reason and a hint.
    pub(super) fn refused(&self, reason: &str) -> Error {
        let hint: Hint = match reason {
            _ if reason.starts_with("access_denied") => {
                "Run the command again, and allow in the browser what it asks for.".into()
            }
            _ if reason.starts_with("expired_token") => {
                "Request a new code, and confirm it in the browser before it expires.".into()
            }
            _ if reason.contains("client") => {
                "Check [client] oidc_client_id and oidc_client_secret with the administrators of the provider.".into()
            }
            _ if reason.contains("scope") => {
                Hint::parameters("Request scopes that the provider offers", [Parameter::OidcScope])
            }
            _ if reason.contains("target") || reason.contains("resource") => {
                "Request a token that the provider issues: [client] oidc_audience and oidc_resource.".into()
            }
            _ => "Run the command again; if that does not help, ask the administrators of the provider.".into(),
        };
        cannot_authenticate(format!("{} refuses the login: {reason}", self.settings.issuer)).with_hint(hint)
    }
}
