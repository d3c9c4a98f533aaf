//! Files over HTTP: `https`, `http`, and WebDAV's `davs` and `dav`, which are read in the same way. Tokens and
//! certificates are given by the caller.

mod address;
mod answer;
mod inspect;
mod lock;
mod put;
#[cfg(test)]
pub(crate) mod tests;
#[cfg(test)]
mod token_tests;

use std::collections::HashSet;
use std::sync::Mutex;
use std::time::Duration;

use futures_util::TryStreamExt;
use futures_util::future::BoxFuture;
use reqwest::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH, HeaderValue, IF_RANGE, LOCATION, RANGE};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use url::Url;

use super::{ObjectReader, RangeRequest, Result, ResumeFrom, Stat, Storage, StorageError, StorageErrorKind, boxed};

/// Maximum number of redirects; dCache sends one, federations two.
const REDIRECTS: usize = 10;
/// Maximum number of idle connections per host.
const IDLE_CONNECTIONS: usize = 64;

/// Credentials, user agent and timeouts for HTTP storages.
#[derive(Debug)]
pub struct Access {
    /// TLS configuration with the client certificate, if there is one.
    pub tls: rustls::ClientConfig,
    /// TLS configuration without a client certificate, for presigned URLs.
    pub anonymous_tls: rustls::ClientConfig,
    /// Whether `tls` has a client certificate.
    pub has_certificate: bool,
    /// Value of the `Authorization` header, marked as sensitive.
    pub token: Option<HeaderValue>,
    /// Value of the `User-Agent` header.
    pub user_agent: String,
    /// Timeout for opening a connection.
    pub connect_timeout: Duration,
    /// Timeout for reads without data.
    pub idle_timeout: Duration,
}

/// Client for all storages that speak HTTP; connections are pooled.
///
/// A token is sent only to the host of the PFN, only over verified TLS, never with a presigned URL. If there is also a
/// client certificate, the token is sent only after that host has rejected the certificate.
#[derive(Debug)]
pub struct WebStorage {
    known: Client,
    anonymous: Client,
    has_certificate: bool,
    token: Option<HeaderValue>,
    token_required: Mutex<HashSet<String>>,
    uploads: put::Uploads,
}

/// Header values of a range request.
struct Range {
    /// Value of the `Range` header.
    bytes: String,
    /// Value of the `If-Range` header, if a specific version is required.
    version: Option<String>,
}

impl From<&ResumeFrom> for Range {
    fn from(rest: &ResumeFrom) -> Self {
        Self { bytes: format!("bytes={}-", rest.start), version: rest.version.clone() }
    }
}

impl From<&RangeRequest> for Range {
    fn from(range: &RangeRequest) -> Self {
        Self { bytes: format!("bytes={}-{}", range.start, range.end.saturating_sub(1)), version: range.version.clone() }
    }
}

impl WebStorage {
    /// Creates the connection pools. Errors: invalid TLS settings.
    pub fn new(access: Access) -> Result<Self> {
        Ok(Self {
            uploads: put::Uploads::new(&access)?,
            known: connections(&access, access.tls.clone())?,
            anonymous: connections(&access, access.anonymous_tls.clone())?,
            has_certificate: access.has_certificate,
            token: access.token,
            token_required: Mutex::default(),
        })
    }

    async fn read(&self, pfn: &str, resume: Option<&ResumeFrom>) -> Result<ObjectReader> {
        let url = address::url(pfn)?;
        if let Some(resume) = resume {
            let response = self.exchange(Method::GET, &url, Some(&resume.into())).await?;
            if let Some(reading) = answer::resumed_file(response, resume)? {
                return Ok(reading);
            }
        }
        answer::whole_file(self.exchange(Method::GET, &url, None).await?)
    }

    async fn read_range(&self, pfn: &str, range: &RangeRequest) -> Result<Option<ObjectReader>> {
        let url = address::url(pfn)?;
        answer::byte_range(self.exchange(Method::GET, &url, Some(&range.into())).await?, range)
    }

    /// Sends a request and follows redirects.
    async fn exchange(&self, method: Method, home: &Url, range: Option<&Range>) -> Result<Response> {
        let mut url = home.clone();
        for _ in 0..=REDIRECTS {
            let response = self.send_with_token(&method, home, &url, range).await?;
            match response.headers().get(LOCATION) {
                Some(location) if response.status().is_redirection() => url = address::target(&url, location)?,
                _ => return Ok(response),
            }
        }
        Err(StorageError::new(StorageErrorKind::Refused, format!("more than {REDIRECTS} redirections")))
    }

    /// Sends a request; if it is rejected with 401 or 403 and a token may be sent, retries with the token.
    async fn send_with_token(&self, method: &Method, home: &Url, url: &Url, range: Option<&Range>) -> Result<Response> {
        let host = url.origin().ascii_serialization();
        let may_have_token = url.scheme() == "https" && url.origin() == home.origin() && !address::is_signed(url);
        let token = self.token.as_ref().filter(|_| may_have_token);
        let preemptive_token = token.filter(|_| !self.has_certificate || self.needs_token(&host));
        let response = self.send(method, url, range, preemptive_token).await?;
        let refused = matches!(response.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
        if !refused || token.is_none() || preemptive_token.is_some() {
            return Ok(response);
        }
        drop(response);
        self.token_hosts().insert(host);
        self.send(method, url, range, token).await
    }

    async fn send(
        &self,
        method: &Method,
        url: &Url,
        range: Option<&Range>,
        token: Option<&HeaderValue>,
    ) -> Result<Response> {
        let connections = if address::is_signed(url) { &self.anonymous } else { &self.known };
        let mut request = connections.request(method.clone(), url.clone());
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, token.clone());
        }
        with_range(request, range).send().await.map_err(|error| answer::transport_error(&error))
    }

    fn needs_token(&self, host: &str) -> bool {
        self.token_hosts().contains(host)
    }

    fn token_hosts(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.token_required.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Returns whether a PFN is a presigned URL, which expires.
pub fn is_signed(pfn: &str) -> bool {
    address::url(pfn).is_ok_and(|url| address::is_signed(&url))
}

fn with_range(request: RequestBuilder, range: Option<&Range>) -> RequestBuilder {
    let Some(range) = range else { return request };
    let request = request.header(RANGE, &range.bytes);
    match &range.version {
        Some(version) => request.header(IF_RANGE, version),
        None => request,
    }
}

impl Storage for WebStorage {
    fn stat<'a>(&'a self, pfn: &'a str) -> BoxFuture<'a, Result<Stat>> {
        Box::pin(async move {
            let response = self.exchange(Method::HEAD, &address::url(pfn)?, None).await?;
            let response = answer::checked(response)?;
            // A HEAD response has no body: the length is only in the header.
            let length = response.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
            Ok(Stat { bytes: length.and_then(|length| length.parse().ok()) })
        })
    }

    fn get<'a>(&'a self, pfn: &'a str, resume: Option<&'a ResumeFrom>) -> BoxFuture<'a, Result<ObjectReader>> {
        Box::pin(self.read(pfn, resume))
    }

    fn supports_ranges(&self) -> bool {
        true
    }

    fn get_range<'a>(&'a self, pfn: &'a str, range: &'a RangeRequest) -> BoxFuture<'a, Result<Option<ObjectReader>>> {
        Box::pin(self.read_range(pfn, range))
    }
}

fn connections(access: &Access, tls: rustls::ClientConfig) -> Result<Client> {
    let client = builder(access, tls).read_timeout(access.idle_timeout).build();
    client.map_err(|error| StorageError::new(StorageErrorKind::Refused, error.to_string()))
}

/// Returns the settings common to all connections.
fn builder(access: &Access, tls: rustls::ClientConfig) -> reqwest::ClientBuilder {
    let mut headers = reqwest::header::HeaderMap::new();
    // Content encodings would change the bytes that the catalogue's checksum covers.
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    Client::builder()
        .tls_backend_preconfigured(tls)
        .http1_only()
        .user_agent(&access.user_agent)
        .default_headers(headers)
        .connect_timeout(access.connect_timeout)
        .pool_max_idle_per_host(IDLE_CONNECTIONS)
        .redirect(Policy::none())
}

/// Wraps the body of a response.
fn reading(response: Response, length: Option<u64>, start: u64, version: Option<String>) -> ObjectReader {
    let chunks = response.bytes_stream().map_err(|error| answer::transport_error(&error));
    ObjectReader { length, start, version, chunks: boxed(chunks) }
}
