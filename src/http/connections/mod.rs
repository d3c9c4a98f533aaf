//! Connection pools. Every request over HTTP goes through [`Connections`], so that TLS, proxies, timeouts and headers are
//! the same for the Rucio server, storages and identity providers.
//!
//! Requests, responses and their bodies are those of `reqwest`; its client is not used, since its connections can be
//! made by one TLS library only.

mod body;
mod connector;
pub(crate) mod proxy;

use std::sync::Arc;
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine};
use hyper::Uri;
use hyper::body::Incoming;
use hyper::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue, PROXY_AUTHORIZATION, USER_AGENT};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use percent_encoding::percent_decode_str;
use reqwest::{Body, Method, Request, Response, ResponseBuilderExt, StatusCode};
use url::Url;

use super::SendError;
use super::tls::{Server, TlsConfig};
use crate::env_vars::Env;
use body::{ResponseBody, timed_out};
use connector::{Connector, WasCut};
use proxy::{Proxies, server};

/// Time after which an idle connection is closed.
const IDLE: Duration = Duration::from_secs(90);

/// Settings of connection pools.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) tls: TlsConfig,
    /// Value of the `User-Agent` header.
    pub(crate) user_agent: HeaderValue,
    /// Headers of requests that do not set them.
    pub(crate) headers: HeaderMap,
    /// Timeout for opening a connection, with proxy and TLS handshake.
    pub(crate) connect_timeout: Duration,
    /// Timeout for reads without data; also for the response to a request, with the time to send it.
    pub(crate) read_timeout: Option<Duration>,
    /// Maximum number of idle connections per host.
    pub(crate) max_idle: usize,
    /// Whether a body without a length counts as cut unless TLS was closed in order: for files. Lists always do. Other
    /// responses are JSON, which shows its end, or short texts; many servers close without `close_notify`.
    pub(crate) requires_close: bool,
}

/// Connection pools with the same settings. Cheap to clone; nothing is opened before the first request.
#[derive(Clone)]
pub(crate) struct Connections(Arc<Pools>);

struct Pools {
    options: Arc<Options>,
    proxies: Arc<Proxies>,
    /// Connections of any TLS library.
    any: Client<Connector, Body>,
    /// Connections by OpenSSL, to servers that request the client certificate after the handshake.
    openssl: Client<Connector, Body>,
}

impl std::fmt::Debug for Connections {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connections").field("options", &self.0.options).finish_non_exhaustive()
    }
}

impl Connections {
    /// Creates the pools, with the proxies of the environment.
    pub(crate) fn new(mut options: Options) -> Self {
        options.headers.insert(USER_AGENT, options.user_agent.clone());
        options.headers.entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
        let (options, proxies) = (Arc::new(options), Arc::new(Proxies::from_env(&Env::process())));
        let pool = |by_openssl| {
            Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .pool_idle_timeout(IDLE)
                .pool_max_idle_per_host(options.max_idle)
                // XRootD's HTTP server before 5.7 compares header names by case (xrootd/xrootd#2259).
                .http1_title_case_headers(true)
                .build(Connector::new(options.clone(), proxies.clone(), by_openssl))
        };
        let (any, openssl) = (pool(false), pool(true));
        Self(Arc::new(Pools { options, proxies, any, openssl }))
    }

    /// Sends a `GET` request to this URL. Follows no redirect. Errors: no response.
    pub(crate) async fn get(&self, url: &str) -> Result<Response, SendError> {
        self.send(Request::new(Method::GET, Url::parse(url).map_err(SendError::unsendable)?)).await
    }

    /// Sends a request. Follows no redirect. Errors: no response.
    pub(crate) async fn send(&self, request: Request) -> Result<Response, SendError> {
        let copy = request.try_clone();
        self.send_or_repeat(request, || Ok(copy)).await
    }

    /// Sends a request. `repeat` builds it once more, if that is possible: a server may request our certificate only when
    /// it has read the request, which rustls does not support. Follows no redirect. Errors: no response, or those of
    /// `repeat`.
    pub(crate) async fn send_or_repeat<E: From<SendError>>(
        &self,
        request: Request,
        repeat: impl FnOnce() -> Result<Option<Request>, E>,
    ) -> Result<Response, E> {
        let tls = &self.0.options.tls;
        let Some(server) = tls_server(request.url()) else { return Ok(self.send_once(&self.0.any, request).await?) };
        if tls.requests_certificate_late(&server) {
            return Ok(self.send_once(&self.0.openssl, request).await?);
        }
        let is_idempotent = request.method().is_idempotent();
        let outcome = self.send_once(&self.0.any, request).await;
        if !tls.may_request_certificate_late(&server) || !lacks_certificate(&outcome, is_idempotent) {
            return Ok(outcome?);
        }
        let Some(request) = repeat()? else { return Ok(outcome?) };
        tracing::debug!("{server} may request the client certificate after the handshake: using OpenSSL");
        let outcome = self.send_once(&self.0.openssl, request).await;
        tls.record_late_request(&server, !lacks_certificate(&outcome, true));
        Ok(outcome?)
    }

    async fn send_once(&self, pool: &Client<Connector, Body>, mut request: Request) -> Result<Response, SendError> {
        let url = request.url().clone();
        let options = &self.0.options;
        self.add_headers(&mut request);
        let timeout = [request.timeout().copied(), options.read_timeout].into_iter().flatten().min();
        let sending = pool.request(request.try_into().map_err(SendError::unsendable)?);
        let answer = match timeout {
            Some(timeout) => tokio::time::timeout(timeout, sending).await,
            None => Ok(sending.await),
        };
        match answer {
            Ok(Ok(response)) => converted(response, url, options),
            Ok(Err(error)) => Err(SendError::no_response(error, url)),
            Err(_) => Err(SendError::timed_out(timed_out(), url)),
        }
    }

    fn add_headers(&self, request: &mut Request) {
        credentials_to_header(request);
        let proxy = request.url().as_str().parse::<Uri>().ok().filter(|_| request.url().scheme() == "http");
        if let Some(value) = proxy.and_then(|url| self.0.proxies.find(&url)?.basic_auth().cloned()) {
            request.headers_mut().insert(PROXY_AUTHORIZATION, value);
        }
        for (name, value) in &self.0.options.headers {
            request.headers_mut().entry(name).or_insert_with(|| value.clone());
        }
    }
}

/// Returns the server of an https URL.
fn tls_server(url: &Url) -> Option<Server> {
    server(&url.as_str().parse().ok().filter(|_| url.scheme() == "https")?)
}

/// Whether this may be the answer to a request for which the server wanted a client certificate: it refuses access, or,
/// where that was all that failed and the request may be repeated, ends the connection.
fn lacks_certificate(outcome: &Result<Response, SendError>, is_idempotent: bool) -> bool {
    match outcome {
        Ok(response) => matches!(response.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN),
        Err(error) => is_idempotent && !error.is_connect() && !error.is_timeout(),
    }
}

/// Moves user name and password from the URL into a header, as HTTP clients do.
fn credentials_to_header(request: &mut Request) {
    let url = request.url_mut();
    if url.username().is_empty() && url.password().is_none() {
        return;
    }
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let pair = format!("{}:{}", decoded(url.username()), decoded(url.password().unwrap_or_default()));
    url.set_username("").ok();
    url.set_password(None).ok();
    if let Ok(mut value) = HeaderValue::from_str(&format!("Basic {}", BASE64_STANDARD.encode(pair))) {
        value.set_sensitive(true);
        request.headers_mut().entry(AUTHORIZATION).or_insert(value);
    }
}

fn converted(response: hyper::Response<Incoming>, url: Url, options: &Options) -> Result<Response, SendError> {
    let (head, incoming) = response.into_parts();
    let was_cut = head.extensions.get::<WasCut>().cloned();
    let body = Body::wrap(ResponseBody::new(incoming, &head.headers, options, was_cut));
    let response = hyper::Response::builder().status(head.status).version(head.version).url(url).body(body);
    let mut response = response.map_err(SendError::unsendable)?;
    *response.headers_mut() = head.headers;
    Ok(response.into())
}
