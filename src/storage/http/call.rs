//! A request that can be sent more than once: after a redirect, or again with the token.

use std::io;
use std::path::Path;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::try_unfold;
use reqwest::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Request};
use url::Url;

use super::expect::HeldBody;
use crate::storage::write::{Sent, Source};
use crate::storage::{Result, StorageError, StorageErrorKind};

/// Method, headers and body of a request.
#[derive(Clone)]
pub(super) struct Call<'a> {
    method: Method,
    headers: HeaderMap,
    body: Option<(&'a Path, &'a Sent)>,
}

impl<'a> Call<'a> {
    pub(super) fn new(method: Method) -> Self {
        Self { method, headers: HeaderMap::new(), body: None }
    }

    /// Whether the request changes nothing at the storage, so that it may be sent twice.
    pub(super) fn is_safe(&self) -> bool {
        self.method.is_safe() || self.method.as_str() == "PROPFIND"
    }

    /// Adds a header.
    pub(super) fn with(mut self, name: HeaderName, value: &str) -> Result<Self> {
        let unusable =
            |_| StorageError::new(StorageErrorKind::Refused, format!("{value:?} cannot be sent as a header"));
        self.headers.insert(name, HeaderValue::from_str(value).map_err(unusable)?);
        Ok(self)
    }

    /// Adds a local file as the body.
    pub(super) fn with_file(self, path: &'a Path, sent: &'a Sent) -> Self {
        Self { body: Some((path, sent)), ..self }
    }

    /// Returns the length of the body in bytes.
    pub(super) fn body_length(&self) -> u64 {
        self.body.and_then(|(path, _)| path.metadata().ok()).map_or(0, |metadata| metadata.len())
    }

    /// Builds the request; the body starts at its beginning, after the wait if it is held back. Errors: the local file
    /// cannot be read.
    pub(super) fn build(&self, url: &Url, held: Option<HeldBody>) -> Result<Request> {
        let mut request = Request::new(self.method.clone(), url.clone());
        *request.headers_mut() = self.headers.clone();
        let Some((path, sent)) = self.body else { return Ok(request) };
        let source = Source::open(path, sent)?;
        request.headers_mut().insert(CONTENT_LENGTH, source.length().into());
        *request.body_mut() = Some(reqwest::Body::wrap_stream(blocks(unread(source)?, sent.clone(), held)));
        Ok(request)
    }
}

/// Streams a file, after the wait if it is held back.
fn blocks(source: Option<Source>, sent: Sent, held: Option<HeldBody>) -> impl Stream<Item = io::Result<Bytes>> + Send {
    try_unfold((source, held), move |(source, held)| {
        let sent = sent.clone();
        async move {
            let Some(mut source) = source else { return Ok(None) };
            if let Some(held) = held {
                held.wait().await?;
            }
            sent.set_taken(source.position());
            let read = move || io::Result::Ok((source.next_block()?, unread(source)?));
            let (block, rest) = tokio::task::spawn_blocking(read).await.map_err(io::Error::other)??;
            Ok(Some((block, (rest, None))))
        }
    })
}

/// Returns the source if there is more to read, else publishes its digests: the stream is not polled again once the
/// announced length was sent. Errors: the file is longer.
fn unread(mut source: Source) -> io::Result<Option<Source>> {
    if !source.is_read() {
        return Ok(Some(source));
    }
    source.next_block()?;
    source.finish();
    Ok(None)
}

/// Returns a method that is not part of HTTP itself.
pub(super) fn method(name: &[u8]) -> Method {
    Method::from_bytes(name).unwrap_or_default()
}
