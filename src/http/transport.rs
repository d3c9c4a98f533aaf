//! Connections to one Rucio site: TLS, headers, retries. Tokens are added by [`super::Client`].

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use reqwest::{Method, Response, Url};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::request::Body;
use super::retries::{Patience, Retries};
use super::{
    Connections, Options, RUCIO_VERSION, Request, SendError, body, checked, json, log_no_connection, redirect, tls,
    transport_error,
};
use crate::config::Settings;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::lock::lock;
use crate::retry::Retryable;

/// Timeout for opening a connection, unless `--timeout` sets another.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// Timeout for reads without data, unless `--timeout` sets another: the default of the Python client.
const IDLE_TIMEOUT: Duration = Duration::from_secs(600);
/// Request headers whose values must not be logged.
const SECRET: [&str; 4] = ["authorization", "x-rucio-auth-token", "x-rucio-password", "x-rucio-ssh-signature"];

/// Request header that names the VO.
const VO: &str = "x-rucio-vo";
/// Request headers whose values are logged with `-v`.
const SHOWN: [&str; 8] =
    ["accept", "connection", "content-type", "user-agent", "x-rucio-account", "x-rucio-script", "x-rucio-username", VO];

/// Connections to the servers of these settings. Cheap to clone; nothing is read or sent before the first request.
///
/// All methods that send retry temporary failures of repeatable requests, and add no token.
#[derive(Clone)]
pub(crate) struct Transport(Arc<Inner>);

struct Inner {
    settings: Settings,
    script: String,
    connections: OnceLock<Connections>,
    /// Hosts already warned about: certificate not verified (`--insecure`).
    warned_hosts: Mutex<Vec<String>>,
    /// Hosts that have answered, so that their address is right.
    reached_hosts: Mutex<Vec<String>>,
    /// Minimum response time so far, in microseconds.
    min_response_time: AtomicU64,
}

impl std::fmt::Debug for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transport").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

impl Transport {
    /// Creates a transport. `script` is shown as the command in the server's log (`rucio::list-dids`).
    pub(crate) fn new(settings: Settings, script: impl Into<String>) -> Self {
        Self(Arc::new(Inner {
            settings,
            script: script.into(),
            connections: OnceLock::new(),
            warned_hosts: Mutex::default(),
            reached_hosts: Mutex::default(),
            min_response_time: AtomicU64::new(u64::MAX),
        }))
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Returns the minimum response time of the server so far: a little more than the round-trip time.
    pub(crate) fn min_response_time(&self) -> Option<Duration> {
        let micros = self.0.min_response_time.load(Ordering::Relaxed);
        (micros != u64::MAX).then(|| Duration::from_micros(micros))
    }

    /// Returns the User-Agent: `<user agent>/<Rucio version>`, as in the official client, followed by our own version.
    pub(crate) fn user_agent(&self) -> Result<HeaderValue> {
        let text = format!("{}/{RUCIO_VERSION} rust/{}", self.0.settings.user_agent, env!("CARGO_PKG_VERSION"));
        header_value("user-agent", &text, false)
    }

    /// Sends a request to this host. Returns the response, successful or not.
    pub(crate) async fn send_with_retry(&self, host: &str, request: &Request) -> Result<Response> {
        self.send_with_headers(host, request, self.headers()?).await
    }

    /// Sends a request to the authentication server. Returns the response, successful or not.
    pub(crate) async fn send_to_auth_host(&self, request: &Request) -> Result<Response> {
        self.send_with_retry(&self.0.settings.auth_host, request).await
    }

    /// Like [`Transport::send_to_auth_host`], over connections of [`Transport::connect`].
    pub(crate) async fn send_to_auth_host_over(
        &self,
        connections: &Connections,
        request: &Request,
    ) -> Result<Response> {
        self.send_over(connections, &self.0.settings.auth_host, request, self.headers()?, Patience::Attempts).await
    }

    /// Sends a request to the authentication server, checks the status, and returns the response as text.
    pub(crate) async fn auth_host_text(&self, request: &Request) -> Result<String> {
        body::text(checked(self.send_to_auth_host(request).await?).await?).await
    }

    /// Sends a request without our headers, checks the status, and parses the response as one JSON value.
    pub(crate) async fn json<T: DeserializeOwned>(&self, host: &str, request: &Request) -> Result<T> {
        let response = checked(self.send_with_headers(host, request, HeaderMap::new()).await?).await?;
        json::parse(&body::read_all(response).await?)
    }

    /// Sends a trace to the trace server, without our headers, and checks the status.
    pub(crate) async fn send_trace(&self, path: &str, trace: &Value) -> Result<()> {
        let request = Request::post(path, trace.clone());
        let response = self.send_with_headers(&self.0.settings.trace_host, &request, HeaderMap::new()).await?;
        checked(response).await.map(drop)
    }

    /// Sends a request with these headers and its own. Returns the response, successful or not.
    pub(super) async fn send_with_headers(
        &self,
        host: &str,
        request: &Request,
        headers: HeaderMap,
    ) -> Result<Response> {
        self.send_over(self.connections()?, host, request, headers, Patience::Attempts).await
    }

    /// Like [`Transport::send_with_headers`], but waits for minutes for a server that has answered in this run.
    pub(super) async fn send_patiently(&self, host: &str, request: &Request, headers: HeaderMap) -> Result<Response> {
        let is_reached = lock(&self.0.reached_hosts).iter().any(|reached| reached == host);
        let patience = if is_reached { Patience::Outage } else { Patience::Unsent };
        self.send_over(self.connections()?, host, request, headers, patience).await
    }

    /// Returns the shared connection pool, without a client certificate.
    pub(crate) fn connections(&self) -> Result<&Connections> {
        if let Some(connections) = self.0.connections.get() {
            return Ok(connections);
        }
        let connections = self.connect(None)?;
        Ok(self.0.connections.get_or_init(|| connections))
    }

    /// Creates a connection pool that presents this client certificate.
    pub(crate) fn connect(&self, identity: Option<tls::Identity>) -> Result<Connections> {
        let tls = if self.0.settings.insecure {
            tls::insecure_client_config(identity)?
        } else {
            tls::client_config(&self.0.settings.ca, identity)?
        };
        let options = Options {
            tls,
            user_agent: self.user_agent()?,
            headers: HeaderMap::new(),
            connect_timeout: self.0.settings.timeout.unwrap_or(CONNECT_TIMEOUT),
            read_timeout: Some(self.0.settings.timeout.unwrap_or(IDLE_TIMEOUT)),
            max_idle: usize::MAX,
            requires_close: false,
        };
        Ok(Connections::new(options))
    }

    /// Warns once per host when certificate verification is off.
    fn warn_if_unverified(&self, host: &str) {
        let mut warned = lock(&self.0.warned_hosts);
        if self.0.settings.insecure && host.starts_with("https:") && !warned.iter().any(|known| known == host) {
            tracing::warn!(
                "The certificate of {host} is not verified: others may read and change all that is sent, also passwords and \
                 tokens."
            );
            warned.push(host.to_owned());
        }
    }

    /// Returns the headers of every request to Rucio: VO, command and account, and those of the official client.
    pub(super) fn headers(&self) -> Result<HeaderMap> {
        let mut headers = HeaderMap::new();
        insert(&mut headers, "connection", "Keep-Alive", false)?;
        headers.insert(USER_AGENT, self.user_agent()?);
        insert(&mut headers, VO, &self.0.settings.vo, false)?;
        insert(&mut headers, "x-rucio-script", &self.0.script, false)?;
        if let Some(account) = &self.0.settings.account {
            insert(&mut headers, "x-rucio-account", account, false)?;
        }
        Ok(headers)
    }

    /// Sends a request with these headers and with those of the request, and repeats it after temporary failures.
    async fn send_over(
        &self,
        connections: &Connections,
        host: &str,
        request: &Request,
        mut headers: HeaderMap,
        patience: Patience,
    ) -> Result<Response> {
        for (name, value) in &request.headers {
            insert(&mut headers, name, value, SECRET.contains(name))?;
        }
        headers.extend(request.extra_headers.clone());
        self.warn_if_unverified(host);
        let url = format!("{}/{}", host.trim_end_matches('/'), request.path);
        let mut retries = Retries::new(request, self.0.settings.request_retries, patience);
        loop {
            let sent = Instant::now();
            let answer = self.send_once(connections, &url, request, &headers).await;
            // Traces and identity providers have none of our headers.
            if let Err(error) = &answer
                && headers.contains_key(VO)
            {
                log_no_connection(error);
            }
            if let Some(pause) = retries.pause(&answer, sent.elapsed()) {
                tokio::time::sleep(pause).await;
                continue;
            }
            let response = answer.map_err(|error| ended(transport_error(error), &retries))?;
            tracing::debug!("HTTP Response: {}", response.status());
            if !response.status().is_retryable() {
                self.remember_reached(host, patience);
            } else if retries.has_waited() {
                return checked(response).await.map_err(|error| ended(error, &retries));
            }
            return Ok(response);
        }
    }

    /// Remembers that this host answers calls of the API. A login proves less: it may have another server.
    fn remember_reached(&self, host: &str, patience: Patience) {
        let mut reached = lock(&self.0.reached_hosts);
        if patience != Patience::Attempts && !reached.iter().any(|known| known == host) {
            reached.push(host.to_owned());
        }
    }

    /// Sends a request without retries, and follows redirects.
    async fn send_once(
        &self,
        connections: &Connections,
        url: &str,
        request: &Request,
        headers: &HeaderMap,
    ) -> Result<Response, SendError> {
        // The query string may contain the code of a login: do not log it.
        let shown = url.split('?').next().unwrap_or_default();
        log_request(request, shown, headers);
        let mut url = Url::parse(url).map_err(SendError::unsendable)?;
        if !request.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&request.query);
        }
        let mut is_get = false;
        for _ in 0..=redirect::MAX_REDIRECTS {
            let build = || build(&url, request, headers, is_get);
            let sent = Instant::now();
            let response = connections.send_or_repeat(build(), || Ok::<_, SendError>(Some(build()))).await?;
            self.0.min_response_time.fetch_min(micros(sent.elapsed()), Ordering::Relaxed);
            match redirect::target(&response, &request.method)? {
                Some(target) => url = target,
                None => return Ok(response),
            }
            is_get |= redirect::becomes_get(response.status(), &request.method);
        }
        Err(redirect::too_many(url))
    }
}

/// Logs a request with its headers and the start of its body, without secrets.
fn log_request(request: &Request, url: &str, headers: &HeaderMap) {
    if !tracing::enabled!(tracing::Level::DEBUG) {
        return;
    }
    tracing::debug!("HTTP request: {} {url}", request.method);
    for (name, value) in headers {
        let is_shown = SHOWN.contains(&name.as_str()) && !value.is_sensitive();
        let value = if is_shown { String::from_utf8_lossy(value.as_bytes()) } else { "[hidden]".into() };
        tracing::debug!("HTTP header:  {}: {value}", title_case(name.as_str()));
    }
    if let Some(text) = request.body.as_ref().and_then(Body::shown) {
        tracing::debug!("Request data (length={}): [{}]", text.len(), shortened(&text));
    }
}

/// Writes the name of a header as the official client sends it: `X-Rucio-VO`.
fn title_case(name: &str) -> String {
    let capitalised = |part: &str| match part {
        "vo" => "VO".to_owned(),
        part => part[..1].to_uppercase() + &part[1..],
    };
    name.split('-').filter(|part| !part.is_empty()).map(capitalised).collect::<Vec<_>>().join("-")
}

/// Leaves out the middle of a long text.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 132;
    let characters = text.chars().count();
    if characters <= LONGEST {
        return text.to_owned();
    }
    let start: String = text.chars().take(LONGEST - 15).collect();
    let end: String = text.chars().skip(characters - 10).collect();
    format!("{start} ... {end}")
}

/// Marks the last failure of a server that was waited for.
fn ended(error: Error, retries: &Retries<'_>) -> Error {
    if retries.has_waited() { error.after_outage() } else { error }
}

/// Builds a request to this URL; after some redirects it is a `GET` without a body.
fn build(url: &Url, request: &Request, headers: &HeaderMap, is_get: bool) -> reqwest::Request {
    let method = if is_get { Method::GET } else { request.method.clone() };
    let mut built = reqwest::Request::new(method, url.clone());
    *built.headers_mut() = headers.clone();
    if let Some(body) = request.body.as_ref().filter(|_| !is_get) {
        body.attach(&mut built);
    }
    built
}

/// Adds a header. A secret value is not logged.
pub(super) fn insert(headers: &mut HeaderMap, name: &'static str, value: &str, secret: bool) -> Result<()> {
    let mut header = header_value(name, value, secret)?;
    header.set_sensitive(secret);
    headers.insert(HeaderName::from_static(name), header);
    Ok(())
}

/// Returns the value of a header, in Latin-1, as the server reads it and the official client sends it.
fn header_value(name: &str, value: &str, secret: bool) -> Result<HeaderValue> {
    let latin: Option<Vec<u8>> = value.chars().map(|character| u8::try_from(u32::from(character)).ok()).collect();
    let header = latin.as_ref().and_then(|bytes| HeaderValue::from_bytes(bytes).ok());
    header.ok_or_else(|| {
        let shown = if secret { "Its value".to_owned() } else { format!("{value:?}") };
        let why = if latin.is_some() {
            "control characters"
        } else {
            "characters beyond U+00FF (ÿ), which servers cannot take"
        };
        let details = format!("{shown} cannot be sent as the HTTP header {name}: it has {why}.");
        Error::new(Exception::InputValidationError, details)
    })
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
