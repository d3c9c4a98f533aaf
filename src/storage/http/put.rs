//! Writing over HTTP and WebDAV: `PUT`, `MKCOL` for missing folders, `MOVE`, `DELETE` (RFC 4918).

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::Stream;
use futures_util::future::BoxFuture;
use futures_util::stream::try_unfold;
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use simd_adler32::Adler32;
use url::Url;

use super::{Access, REDIRECTS, WebStorage, address, answer, builder};
use crate::storage::write::{Lock, Sent, StorageWriter, Stored, already_exists};
use crate::storage::{Result, StorageError, StorageErrorKind};

/// Block size for reading the local file, in bytes.
const BLOCK: u64 = 1024 * 1024;
const DESTINATION: HeaderName = HeaderName::from_static("destination");
const OVERWRITE: HeaderName = HeaderName::from_static("overwrite");

/// Connection pools without a response timeout: the response to a `PUT` comes only when the whole file was sent. The
/// caller limits the time.
#[derive(Debug)]
pub(super) struct Uploads {
    known: Client,
    anonymous: Client,
    without_locks: Mutex<HashSet<String>>,
}

impl Uploads {
    pub(super) fn new(access: &Access) -> Result<Self> {
        let connections = |tls: &rustls::ClientConfig| {
            let built = builder(access, tls.clone()).build();
            built.map_err(|error| StorageError::new(StorageErrorKind::Refused, error.to_string()))
        };
        Ok(Self {
            known: connections(&access.tls)?,
            anonymous: connections(&access.anonymous_tls)?,
            without_locks: Mutex::default(),
        })
    }

    /// Returns whether this host is known not to support locks.
    pub(super) fn has_no_locks(&self, host: &str) -> bool {
        self.without_locks.lock().unwrap_or_else(PoisonError::into_inner).contains(host)
    }

    pub(super) fn note_without_locks(&self, host: String) {
        self.without_locks.lock().unwrap_or_else(PoisonError::into_inner).insert(host);
    }
}

/// A request that can be sent more than once.
pub(super) struct Call<'a> {
    method: Method,
    headers: HeaderMap,
    body: Option<(&'a Path, &'a Sent)>,
}

impl Call<'_> {
    pub(super) fn new(method: Method) -> Self {
        Self { method, headers: HeaderMap::new(), body: None }
    }

    pub(super) fn with(mut self, name: HeaderName, value: &str) -> Result<Self> {
        let unusable =
            |_| StorageError::new(StorageErrorKind::Refused, format!("{value:?} cannot be sent as a header"));
        self.headers.insert(name, HeaderValue::from_str(value).map_err(unusable)?);
        Ok(self)
    }

    fn attach(&self, request: RequestBuilder) -> Result<RequestBuilder> {
        let request = request.headers(self.headers.clone());
        let Some((path, sent)) = self.body else { return Ok(request) };
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        sent.restart();
        if length == 0 {
            sent.finish(0, Adler32::new().finish());
        }
        let body = reqwest::Body::wrap_stream(chunks(file, length, sent.clone()));
        Ok(request.header(CONTENT_LENGTH, length).body(body))
    }
}

/// Streams a file and computes its checksum, up to the length it had when it was opened: the body must match the
/// `Content-Length` header.
fn chunks(file: File, length: u64, sent: Sent) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let start = (Arc::new(file), 0, Adler32::new());
    try_unfold(start, move |(file, position, mut sum)| {
        let sent = sent.clone();
        async move {
            sent.set_taken(position);
            if position == length {
                return Ok(None);
            }
            let (source, wanted) = (file.clone(), BLOCK.min(length - position));
            let read = move || {
                let mut bytes = Vec::with_capacity(wanted as usize);
                source.as_ref().take(wanted).read_to_end(&mut bytes)?;
                sum.write(&bytes);
                io::Result::Ok((bytes, sum))
            };
            let (bytes, sum) = tokio::task::spawn_blocking(read).await.map_err(io::Error::other)??;
            match bytes.is_empty() {
                true => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the local file became shorter")),
                false => {
                    let next = position + bytes.len() as u64;
                    // The stream is not polled again once the announced length was sent.
                    if next == length {
                        sent.finish(length, sum.finish());
                    }
                    Ok(Some((Bytes::from(bytes), (file, next, sum))))
                }
            }
        }
    })
}

impl WebStorage {
    /// Sends a request and follows redirects, with the body.
    pub(super) async fn deliver(&self, call: &Call<'_>, home: &Url) -> Result<Response> {
        let mut url = home.clone();
        for _ in 0..=REDIRECTS {
            let response = self.deliver_identified(call, home, &url).await?;
            match response.headers().get(LOCATION) {
                Some(location) if response.status().is_redirection() => url = address::target(&url, location)?,
                _ => return Ok(response),
            }
        }
        Err(StorageError::new(StorageErrorKind::Refused, format!("more than {REDIRECTS} redirections")))
    }

    /// Sends a request; if it is rejected with 401 or 403 and a token may be sent, retries with the token.
    async fn deliver_identified(&self, call: &Call<'_>, home: &Url, url: &Url) -> Result<Response> {
        let host = url.origin().ascii_serialization();
        let may_have_token = url.scheme() == "https" && url.origin() == home.origin() && !address::is_signed(url);
        let token = self.token.as_ref().filter(|_| may_have_token);
        let preemptive_token = token.filter(|_| !self.has_certificate || self.needs_token(&host));
        let response = self.deliver_once(call, url, preemptive_token).await?;
        let refused = matches!(response.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
        if !refused || token.is_none() || preemptive_token.is_some() {
            return Ok(response);
        }
        drop(response);
        self.token_hosts().insert(host);
        self.deliver_once(call, url, token).await
    }

    async fn deliver_once(&self, call: &Call<'_>, url: &Url, token: Option<&HeaderValue>) -> Result<Response> {
        let connections = if address::is_signed(url) { &self.uploads.anonymous } else { &self.uploads.known };
        let mut request = call.attach(connections.request(call.method.clone(), url.clone()))?;
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, token.clone());
        }
        request.send().await.map_err(|error| answer::transport_error(&error))
    }

    /// Creates the missing parent folders of a file, from the top down.
    async fn make_folders(&self, url: &Url) -> Result<()> {
        let mut missing = Vec::new();
        let mut folder = above(url);
        while let Some(url) = folder {
            let status = self.deliver(&Call::new(method(b"MKCOL")), &url).await?;
            match status.status() {
                StatusCode::CONFLICT | StatusCode::NOT_FOUND => {
                    folder = above(&url);
                    missing.push(url);
                }
                // Created, or already there: the folders below it can be created.
                StatusCode::CREATED | StatusCode::OK | StatusCode::METHOD_NOT_ALLOWED => break,
                _ => return answer::checked(status).map(drop),
            }
        }
        for url in missing.into_iter().rev() {
            let made = self.deliver(&Call::new(method(b"MKCOL")), &url).await?;
            if made.status() != StatusCode::METHOD_NOT_ALLOWED {
                answer::checked(made)?;
            }
        }
        Ok(())
    }
}

impl StorageWriter for WebStorage {
    fn inspect<'a>(&'a self, pfn: &'a str) -> BoxFuture<'a, Result<Option<Stored>>> {
        Box::pin(async move {
            let url = address::url(pfn)?;
            match address::is_signed(&url) {
                true => self.inspect_signed(&url).await,
                false => self.inspect_plain(&url).await,
            }
        })
    }

    fn inspection_method(&self) -> &'static str {
        "HEAD, the first byte by GET, and PROPFIND"
    }

    fn put<'a>(&'a self, from: &'a Path, pfn: &'a str, sent: &'a Sent) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let url = address::url(pfn)?;
            let call = Call { body: Some((from, sent)), ..Call::new(Method::PUT) };
            let first = self.deliver(&call, &url).await?;
            let without_folder = matches!(first.status(), StatusCode::CONFLICT | StatusCode::NOT_FOUND);
            if !without_folder || address::is_signed(&url) {
                return answer::checked(first).map(drop);
            }
            drop(first);
            self.make_folders(&url).await?;
            let second = self.deliver(&call, &url).await?;
            match second.status() {
                // Storages that never replace a file (dCache).
                StatusCode::CONFLICT => Err(already_exists(pfn)),
                _ => answer::checked(second).map(drop),
            }
        })
    }

    /// Not exclusive: servers check for an existing file before they rename, so simultaneous requests may all succeed.
    fn rename<'a>(&'a self, from: &'a str, to: &'a str) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            let (from, to) = (address::url(from)?, address::url(to)?);
            let call = Call::new(method(b"MOVE")).with(DESTINATION, to.as_str())?.with(OVERWRITE, "F")?;
            let response = self.deliver(&call, &from).await?;
            match response.status() {
                StatusCode::PRECONDITION_FAILED => Err(already_exists(to.as_str())),
                _ => answer::checked(response).map(|_| false),
            }
        })
    }

    fn needs_lock(&self) -> bool {
        true
    }

    fn lock<'a>(&'a self, pfn: &'a str) -> BoxFuture<'a, Result<Lock>> {
        Box::pin(self.make_lock(pfn))
    }

    fn delete<'a>(&'a self, pfn: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let response = self.deliver(&Call::new(Method::DELETE), &address::url(pfn)?).await?;
            answer::checked(response).map(drop)
        })
    }
}

/// Returns a method that is not part of HTTP itself.
pub(super) fn method(name: &[u8]) -> Method {
    Method::from_bytes(name).unwrap_or_default()
}

/// Returns the parent folder of a file or folder; `None` at the root.
fn above(url: &Url) -> Option<Url> {
    let path = url.path().trim_end_matches('/');
    let (folder, _) = path.rsplit_once('/').filter(|(folder, _)| !folder.trim_matches('/').is_empty())?;
    let mut above = url.clone();
    above.set_path(&format!("{folder}/"));
    Some(above)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_found_up_to_the_root() {
        let mut url = Url::parse("https://h/a/b%20c/f").unwrap();
        let mut folders = Vec::new();
        while let Some(folder) = above(&url) {
            folders.push(folder.path().to_owned());
            url = folder;
        }
        assert_eq!(folders, ["/a/b%20c/", "/a/"]);
    }
}
