//! Reads and writes files over HTTP: `https`, `http`, and WebDAV's `davs` and `dav`.
//!
//! Every request goes through [`sender`], which decides who gets the token. Tokens and certificates are given by the
//! caller; requests to the Rucio server are in [`crate::http`].

mod address;
mod answer;
mod call;
mod digest;
mod expect;
mod inspect;
mod lock;
mod put;
mod refusal;
mod sender;
#[cfg(test)]
pub(crate) mod tests;
mod token;
#[cfg(test)]
mod token_tests;

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::TryStreamExt;
use futures_util::future::BoxFuture;
use reqwest::header::{CONTENT_LENGTH, HeaderValue, IF_RANGE, RANGE};
use reqwest::{Method, Response};
use url::Url;

pub(in crate::storage) use address::is_local;
use call::Call;
use sender::{Credentials, Sender};
pub use token::StorageToken;

use super::{ByteRange, ObjectReader, Pfn, RangeRequest, Result, ResumeFrom, Stat, Storage, boxed};
use crate::http::tls::TlsConfig;

/// Credentials, user agent and timeouts for HTTP storages.
#[derive(Debug)]
pub struct Access {
    /// TLS configuration with the client certificate, if there is one.
    pub tls: TlsConfig,
    /// TLS configuration without a client certificate, for presigned URLs.
    pub anonymous_tls: TlsConfig,
    /// Whether `tls` has a client certificate.
    pub has_certificate: bool,
    /// The tokens, in order of precedence. Each storage gets the one that is for it.
    pub tokens: Vec<StorageToken>,
    /// Value of the `User-Agent` header.
    pub user_agent: HeaderValue,
    /// Timeout for opening a connection.
    pub connect_timeout: Duration,
    /// Timeout for reads without data.
    pub idle_timeout: Duration,
}

/// Client for all storages that speak HTTP; connections are pooled. [`Sender`] decides which server gets the token.
#[derive(Debug)]
pub struct WebStorage {
    /// Times out if no data arrives.
    reader: Sender,
    /// Has no timeout: the response to a `PUT` comes only when the whole file was sent. The caller limits the time.
    writer: Sender,
    /// Hosts where a lock is made by renaming a folder.
    renamed_locks: Mutex<HashSet<String>>,
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
        let bytes = match rest.whole {
            Some(whole) if whole > rest.start => format!("bytes={}", ByteRange::new(rest.start, whole)),
            _ => format!("bytes={}-", rest.start),
        };
        Self { bytes, version: rest.version.clone() }
    }
}

impl From<&RangeRequest> for Range {
    fn from(request: &RangeRequest) -> Self {
        Self { bytes: format!("bytes={}", request.range), version: request.version.clone() }
    }
}

impl WebStorage {
    /// Creates the connection pools. Errors: a user agent that cannot be sent.
    pub fn new(access: Access) -> Result<Self> {
        let credentials = Arc::new(Credentials::new(&access));
        Ok(Self {
            reader: Sender::new(&access, credentials.clone(), Some(access.idle_timeout)),
            writer: Sender::new(&access, credentials, None),
            renamed_locks: Mutex::default(),
        })
    }

    async fn read(&self, pfn: &Pfn, resume: Option<&ResumeFrom>) -> Result<ObjectReader> {
        let url = address::url(pfn)?;
        if let Some(resume) = resume {
            let response = self.get_bytes(&url, Some(resume.into())).await?;
            if let Some(reading) = answer::resumed_file(response, resume)? {
                return Ok(reading);
            }
        }
        answer::whole_file(self.get_bytes(&url, None).await?)
    }

    async fn read_range(&self, pfn: &Pfn, request: &RangeRequest) -> Result<Option<ObjectReader>> {
        let url = address::url(pfn)?;
        answer::byte_range(self.get_bytes(&url, Some(request.into())).await?, request)
    }

    async fn get_bytes(&self, url: &Url, range: Option<Range>) -> Result<Response> {
        let mut call = Call::new(Method::GET);
        if let Some(range) = range {
            call = call.with(RANGE, &range.bytes)?;
            if let Some(version) = range.version {
                call = call.with(IF_RANGE, &version)?;
            }
        }
        self.reader.send(&call, url).await
    }
}

impl Storage for WebStorage {
    fn stat<'a>(&'a self, pfn: &'a Pfn) -> BoxFuture<'a, Result<Stat>> {
        Box::pin(async move {
            let response = self.reader.send(&Call::new(Method::HEAD), &address::url(pfn)?).await?;
            let response = answer::checked(response)?;
            // A HEAD response has no body: the length is only in the header.
            let length = response.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
            Ok(Stat { bytes: length.and_then(|length| length.parse().ok()) })
        })
    }

    fn get<'a>(&'a self, pfn: &'a Pfn, resume: Option<&'a ResumeFrom>) -> BoxFuture<'a, Result<ObjectReader>> {
        Box::pin(self.read(pfn, resume))
    }

    fn supports_ranges(&self) -> bool {
        true
    }

    fn get_range<'a>(&'a self, pfn: &'a Pfn, request: &'a RangeRequest) -> BoxFuture<'a, Result<Option<ObjectReader>>> {
        Box::pin(self.read_range(pfn, request))
    }
}

/// Wraps the body of a response.
fn reading(response: Response, length: Option<u64>, start: u64, version: Option<String>) -> ObjectReader {
    let web_page_from = answer::web_page_from(&response);
    let chunks = response.bytes_stream().map_err(answer::transport_error);
    ObjectReader { length, start, version, web_page_from, chunks: boxed(chunks) }
}
