//! HTTP client for the Rucio server: lazy connections, headers, retries, token renewal on 401, and error responses as
//! typed errors. Endpoints are in [`crate::api`], access to storages in [`crate::storage::http`].

mod body;
mod json;
mod raw;
mod request;
mod stream;
pub mod tls;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub(crate) use body::text;
pub(crate) use json::parse;
pub use raw::Raw;
pub use request::{FileBody, Request, segment};
pub use stream::JsonStream;

use crate::config::{DEFAULT_VO, Settings};
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::interact::Interact;
use crate::lock::lock;
use crate::retry::{Backoff, Retryable, retry_after};
use crate::secret::Secret;

/// Timeout for opening a connection, unless `--timeout` sets another.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// Timeout for reads without data, unless `--timeout` sets another: the default of the Python client.
const IDLE_TIMEOUT: Duration = Duration::from_secs(600);
/// Pauses between the attempts of a request: those of the official client, which logs them. `Retry-After` takes
/// precedence.
const BACKOFF: Backoff =
    Backoff { first: Duration::from_millis(250), factor: 2, max: Duration::from_secs(10), jitter: 0.0 };
/// Request headers whose values must not be logged.
const SECRET: [&str; 4] = ["authorization", "x-rucio-auth-token", "x-rucio-password", "x-rucio-ssh-signature"];
/// Rucio release whose client this one corresponds to, sent in the User-Agent: servers keep statistics by it.
pub const RUCIO_VERSION: &str = "41.5.1";

/// Source of a client's tokens. (Implemented in `auth`, which makes requests of its own for them.)
pub(crate) trait TokenProvider: Send + Sync {
    /// Returns the token for a request; logs in if there is none yet.
    fn token<'a>(&'a self, client: &'a Client) -> BoxFuture<'a, Result<Secret>>;
    /// Returns a new token after the server rejected one.
    fn replace<'a>(&'a self, client: &'a Client, refused: &'a Secret) -> BoxFuture<'a, Result<Secret>>;
}

/// Client of one Rucio server for one account. Cheap to clone; nothing is read or sent before the first request.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    settings: Settings,
    interact: Arc<dyn Interact>,
    script: String,
    may_log_in: bool,
    connections: OnceLock<reqwest::Client>,
    /// Hosts already warned about: certificate not verified (`--insecure`).
    warned_hosts: std::sync::Mutex<Vec<String>>,
    /// Minimum response time so far, in microseconds.
    min_response_time: AtomicU64,
    tokens: Arc<dyn TokenProvider>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

impl Client {
    /// Creates a client with these settings and this source of tokens: see [`auth::client`](crate::auth::client).
    pub(crate) fn new(
        settings: Settings,
        script: impl Into<String>,
        interact: Arc<dyn Interact>,
        tokens: Arc<dyn TokenProvider>,
        may_log_in: bool,
    ) -> Self {
        Self(Arc::new(Inner {
            settings,
            interact,
            script: script.into(),
            may_log_in,
            connections: OnceLock::new(),
            warned_hosts: std::sync::Mutex::default(),
            min_response_time: AtomicU64::new(u64::MAX),
            tokens,
        }))
    }

    /// Returns the minimum response time of the server so far: a little more than the round-trip time.
    pub fn min_response_time(&self) -> Option<Duration> {
        let micros = self.0.min_response_time.load(Ordering::Relaxed);
        (micros != u64::MAX).then(|| Duration::from_micros(micros))
    }

    /// Returns the settings of this client.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Returns the configured account; `None` means the server's default for the identity.
    pub fn account(&self) -> Option<&str> {
        self.0.settings.account.as_deref()
    }

    /// Returns the VO; `None` for the default one.
    pub fn vo(&self) -> Option<&str> {
        Some(self.0.settings.vo.as_str()).filter(|vo| *vo != DEFAULT_VO)
    }

    /// Returns whether the client may log in if there is no token.
    pub(crate) fn may_log_in(&self) -> bool {
        self.0.may_log_in
    }

    /// Returns the interface for prompts during a login.
    pub(crate) fn interact(&self) -> &Arc<dyn Interact> {
        &self.0.interact
    }

    /// Returns the User-Agent: `<user agent>/<Rucio version>`, as in the official client, followed by our own version.
    pub fn user_agent(&self) -> String {
        format!("{}/{RUCIO_VERSION} rust/{}", self.0.settings.user_agent, env!("CARGO_PKG_VERSION"))
    }

    /// Sends a request with the token and with retries, and returns the response if it is a success. Replaces a rejected
    /// token once.
    ///
    /// Errors: the server's exception class and message for every response that is not a success;
    /// `ServerConnectionException` without a response; `CannotAuthenticate` without a token.
    pub async fn send_checked(&self, request: Request) -> Result<Response> {
        checked(self.send_authenticated(&self.0.settings.rucio_host, &request).await?).await
    }

    /// Sends a request with the token and with retries to this host, for which the token must be valid. Returns the
    /// response, successful or not. Replaces a rejected token once.
    pub(crate) async fn send_authenticated(&self, host: &str, request: &Request) -> Result<Response> {
        let tokens = &self.0.tokens;
        let token = tokens.token(self).await.map_err(Error::before_start)?;
        let response = self.send_with_token(host, request, &token).await?;
        if !is_token_refused(&response) {
            return Ok(response);
        }
        let token = tokens.replace(self, &token).await?;
        self.send_with_token(host, request, &token).await
    }

    /// Sends a request with retries, but without the token, to this host. Returns the response, successful or not.
    pub(crate) async fn send_public(&self, host: &str, request: &Request) -> Result<Response> {
        self.send_with_retry(self.connections()?, host, request, self.headers()?).await
    }

    /// Like [`Client::send_checked`]; parses the response as one JSON value.
    pub async fn json<T: DeserializeOwned>(&self, request: Request) -> Result<T> {
        json::parse(&body::read_all(self.send_checked(request).await?).await?)
    }

    /// Sends a request with retries, but without the token, checks the status, and parses the response as one JSON
    /// value. `host` overrides the server.
    pub async fn public_json<T: DeserializeOwned>(&self, host: Option<&str>, request: Request) -> Result<T> {
        let host = host.unwrap_or(&self.0.settings.rucio_host);
        let answer =
            checked(self.send_with_retry(self.connections()?, host, &request, HeaderMap::new()).await?).await?;
        json::parse(&body::read_all(answer).await?)
    }

    /// Like [`Client::send_checked`]; the response is a list, one JSON value per line.
    pub async fn stream<T: DeserializeOwned>(&self, request: Request) -> Result<JsonStream<T>> {
        Ok(JsonStream::new(self.send_checked(request).await?))
    }

    /// Like [`Client::send_checked`]; returns the response as text.
    pub async fn text(&self, request: Request) -> Result<String> {
        body::text(self.send_checked(request).await?).await
    }

    /// Like [`Client::send_checked`]; ignores the body of the response.
    pub async fn execute(&self, request: Request) -> Result<()> {
        body::read_all(self.send_checked(request).await?).await.map(drop)
    }

    /// Returns the current token, for requests about it.
    ///
    /// Errors: those of the login.
    pub async fn token(&self) -> Result<Secret> {
        self.0.tokens.token(self).await
    }

    async fn send_with_token(&self, host: &str, request: &Request, token: &Secret) -> Result<Response> {
        let mut headers = self.headers()?;
        insert(&mut headers, "x-rucio-auth-token", token.expose(), true)?;
        self.send_with_retry(self.connections()?, host, request, headers).await
    }

    /// Sends a request with retries, but without the token, to the authentication server, over connections that may
    /// present a client certificate. Returns the response, successful or not.
    pub(crate) async fn send_to_auth_host(&self, connections: &reqwest::Client, request: &Request) -> Result<Response> {
        self.send_with_retry(connections, &self.0.settings.auth_host, request, self.headers()?).await
    }

    /// Sends a request with retries, but without the token, to the authentication server, checks the status, and returns
    /// the response as text.
    pub(crate) async fn auth_host_text(&self, request: Request) -> Result<String> {
        body::text(checked(self.send_to_auth_host(self.connections()?, &request).await?).await?).await
    }

    /// Sends a trace to the trace server, which needs no authentication: without the token, and without retries. Checks the
    /// status.
    pub async fn send_trace(&self, path: &str, trace: &Value) -> Result<()> {
        let request = Request::post(path, trace.clone());
        let response =
            self.send_with_retry(self.connections()?, &self.0.settings.trace_host, &request, HeaderMap::new()).await?;
        checked(response).await.map(drop)
    }

    /// Returns the shared connection pool, without a client certificate.
    pub(crate) fn connections(&self) -> Result<&reqwest::Client> {
        match self.0.connections.get() {
            Some(connections) => Ok(connections),
            None => {
                let made = self.connect(None)?;
                Ok(self.0.connections.get_or_init(|| made))
            }
        }
    }

    /// Creates a connection pool that presents this client certificate.
    pub(crate) fn connect(&self, identity: Option<tls::Identity>) -> Result<reqwest::Client> {
        let config = match self.0.settings.insecure {
            true => tls::insecure_client_config(identity)?,
            false => tls::client_config(&self.0.settings.ca, identity)?,
        };
        let idle = self.0.settings.timeout.unwrap_or(IDLE_TIMEOUT);
        reqwest::Client::builder()
            .tls_backend_preconfigured(config)
            .http1_only()
            .user_agent(self.user_agent())
            .connect_timeout(self.0.settings.timeout.unwrap_or(CONNECT_TIMEOUT))
            .read_timeout(idle)
            .redirect(same_host_only())
            .build()
            .map_err(transport_error)
    }

    /// Warns once per host when certificate verification is off.
    fn warn_if_unverified(&self, host: &str) {
        let mut warned = lock(&self.0.warned_hosts);
        if self.0.settings.insecure && host.starts_with("https:") && !warned.iter().any(|known| known == host) {
            tracing::warn!(
                "The certificate of {host} is not verified (--insecure): whoever answers there, or stands between, can \
                 read and change all that is sent, passwords and tokens too."
            );
            warned.push(host.to_owned());
        }
    }

    fn headers(&self) -> Result<HeaderMap> {
        let mut headers = HeaderMap::new();
        insert(&mut headers, "x-rucio-vo", &self.0.settings.vo, false)?;
        insert(&mut headers, "x-rucio-script", &self.0.script, false)?;
        if let Some(account) = self.account() {
            insert(&mut headers, "x-rucio-account", account, false)?;
        }
        Ok(headers)
    }

    /// Sends a request with these headers and with those of the request, and repeats it after temporary failures.
    async fn send_with_retry(
        &self,
        connections: &reqwest::Client,
        host: &str,
        request: &Request,
        mut headers: HeaderMap,
    ) -> Result<Response> {
        for (name, value) in &request.headers {
            insert(&mut headers, name, value, SECRET.contains(name))?;
        }
        headers.extend(request.extra_headers.clone());
        self.warn_if_unverified(host);
        let url = format!("{}/{}", host.trim_end_matches('/'), request.path);
        let mut attempt = 0;
        loop {
            let answer = self.send_once(connections, &url, request, headers.clone()).await;
            let last = attempt + 1 >= self.0.settings.request_retries || !request.repeatable;
            let (wait, reason) = match answer {
                Ok(response) if last || !response.status().is_retryable() => {
                    tracing::debug!("HTTP response: {}", response.status());
                    return Ok(response);
                }
                Ok(response) => {
                    let reason = format!("server returned {}", response.status().as_u16());
                    (BACKOFF.pause_or(attempt, retry_after(response.headers())), reason)
                }
                Err(error) if last || !error.is_retryable() => return Err(transport_error(error)),
                Err(error) => (BACKOFF.pause(attempt), root_cause(&error)),
            };
            tracing::warn!("Waiting {}s due to reason: {reason} ", wait.as_secs_f64());
            tokio::time::sleep(wait).await;
            attempt += 1;
        }
    }

    /// Sends a request without retries.
    async fn send_once(
        &self,
        connections: &reqwest::Client,
        url: &str,
        request: &Request,
        headers: HeaderMap,
    ) -> reqwest::Result<Response> {
        // The query string may contain the code of a login: do not log it.
        let shown = url.split('?').next().unwrap_or_default();
        tracing::debug!("HTTP request: {} {shown}", request.method);
        let sent = Instant::now();
        let response = build(connections, url, request, headers).send().await?;
        self.0.min_response_time.fetch_min(micros(sent.elapsed()), Ordering::Relaxed);
        Ok(response)
    }
}

impl Retryable for reqwest::Error {
    /// Not a redirect error, a TLS failure or a response that is not HTTP: a retry would not help.
    fn is_retryable(&self) -> bool {
        !(self.is_redirect() || self.is_builder() || tls::failure(self).is_some() || body::is_not_http(self))
    }
}

/// Returns whether the server rejected the token. A 401 with `AccessDenied` means that the token is valid but the
/// account lacks permission: a new login would not help.
fn is_token_refused(response: &Response) -> bool {
    let class = response.headers().get("ExceptionClass").and_then(|class| class.to_str().ok());
    response.status() == StatusCode::UNAUTHORIZED && class != Some("AccessDenied")
}

fn build(connections: &reqwest::Client, url: &str, request: &Request, headers: HeaderMap) -> reqwest::RequestBuilder {
    let builder = connections.request(request.method.clone(), url).headers(headers);
    let builder = if request.query.is_empty() { builder } else { builder.query(&request.query) };
    match &request.body {
        Some(body) => body.attach(builder),
        None => builder,
    }
}

fn insert(headers: &mut HeaderMap, name: &'static str, value: &str, secret: bool) -> Result<()> {
    let mut header = HeaderValue::from_str(value).map_err(|_| {
        let shown = if secret { "its value" } else { value };
        Error::new(Exception::InputValidationError, format!("{shown} cannot be sent as the HTTP header {name}"))
    })?;
    header.set_sensitive(secret);
    headers.insert(HeaderName::from_static(name), header);
    Ok(())
}

/// Follows redirects only on the same host: our headers contain the token.
fn same_host_only() -> Policy {
    Policy::custom(|attempt| {
        let origin = attempt.previous().first().map(|url| url.origin());
        match origin {
            Some(origin) if origin == attempt.url().origin() && attempt.previous().len() < 10 => attempt.follow(),
            _ => {
                let elsewhere = attempt.url().origin().ascii_serialization();
                attempt.error(format!(
                    "the server redirects to another host ({elsewhere}), where neither password nor token may go"
                ))
            }
        }
    })
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Returns the response if it is successful, else its error.
pub(crate) async fn checked(response: Response) -> Result<Response> {
    if response.status().is_success() {
        return Ok(response);
    }
    let (status, headers) = (response.status(), response.headers().clone());
    let body = body::read_error_body(response).await;
    tracing::debug!("Response text (length={}): [{}]", body.len(), String::from_utf8_lossy(&body));
    Err(refused(status, &headers, &body))
}

/// Returns the error of an unsuccessful response.
pub(crate) fn refused(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Error {
    let (class, details) = refusal(status, headers, body);
    let page = if status.is_server_error() { json::PAGE_OF_FAILURE } else { json::PAGE };
    let error = Error::new(class, details).with_status(status.as_u16());
    if json::is_page(body) { error.with_hint(page) } else { error }
}

/// Body of an error response.
#[derive(Deserialize, Default)]
struct ErrorBody {
    #[serde(rename = "ExceptionClass")]
    class: Option<String>,
    #[serde(rename = "ExceptionMessage")]
    message: Option<String>,
}

/// Returns class and message of an error response: from its body, else from its headers, else from the status code
/// alone.
fn refusal(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> (Exception, String) {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let body: ErrorBody = serde_json::from_slice(body).unwrap_or_default();
    let name = body.class.or_else(|| header("ExceptionClass")).unwrap_or_else(|| "RucioException".to_owned());
    let message = body
        .message
        .or_else(|| header("ExceptionMessage"))
        .unwrap_or_else(|| format!("no error information passed (http status code: {})", status.as_u16()));
    match Exception::by_name(&name) {
        Some(class) => (class, message),
        None => (Exception::RucioException, format!("{name}: {message}")),
    }
}

/// Converts a transport error, with its root cause and, if known, a hint how to fix it.
pub(crate) fn transport_error(error: reqwest::Error) -> Error {
    let place = error.url().map(|url| format!("{}: ", url.origin().ascii_serialization())).unwrap_or_default();
    if let Some(failure) = tls::failure(&error) {
        let class = match failure.is_client_certificate {
            true => Exception::CannotAuthenticate,
            false => Exception::ServerConnectionException,
        };
        return Error::new(class, format!("{place}{}", failure.reason)).with_hint(failure.remedy);
    }
    let failure = Error::new(Exception::ServerConnectionException, format!("{place}{}", root_cause(&error)));
    match error.is_connect() || error.is_redirect() || body::is_not_http(&error) {
        true => failure.with_hint("Check [client] rucio_host and auth_host, or -H and --auth-host."),
        false => failure,
    }
}

/// Returns the innermost error of a chain: "Connection refused" rather than "error sending request".
pub(crate) fn root_cause(error: &reqwest::Error) -> String {
    if let Some(failure) = tls::failure(error) {
        return failure.reason;
    }
    let mut source: &dyn std::error::Error = error;
    while let Some(inner) = source.source() {
        source = inner;
    }
    match error.is_timeout() {
        true => "the server did not answer in time".to_owned(),
        false => source.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_refusal_is_read_from_body_then_headers_then_status() {
        let both = headers(&[("ExceptionClass", "RSENotFound"), ("ExceptionMessage", "cut...")]);
        let body = br#"{"ExceptionClass": "RSENotFound", "ExceptionMessage": "RSE 'X' cannot be found"}"#;
        let status = StatusCode::NOT_FOUND;
        assert_eq!(refusal(status, &both, body), (Exception::RSENotFound, "RSE 'X' cannot be found".into()));
        assert_eq!(refusal(status, &both, b"<html>"), (Exception::RSENotFound, "cut...".into()));
        let (class, message) = refusal(StatusCode::BAD_GATEWAY, &HeaderMap::new(), b"");
        assert_eq!((class, message.contains("502")), (Exception::RucioException, true));
    }

    #[test]
    fn an_unknown_class_keeps_its_name() {
        let body = br#"{"ExceptionClass": "Novel", "ExceptionMessage": "new"}"#;
        let refused = refusal(StatusCode::CONFLICT, &HeaderMap::new(), body);
        assert_eq!(refused, (Exception::RucioException, "Novel: new".into()));
    }
}
