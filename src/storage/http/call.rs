//! A request that can be sent more than once: after a redirect, or again with the token.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::try_unfold;
use reqwest::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Request};
use simd_adler32::Adler32;
use url::Url;

use super::expect::HeldBody;
use crate::storage::write::Sent;
use crate::storage::{Result, StorageError, StorageErrorKind};

/// Block size for reading the local file, in bytes.
const BLOCK: u64 = 1024 * 1024;

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
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        sent.restart();
        if length == 0 {
            sent.finish(0, Adler32::new().finish());
        }
        request.headers_mut().insert(CONTENT_LENGTH, length.into());
        *request.body_mut() = Some(reqwest::Body::wrap_stream(chunks(file, length, sent.clone(), held)));
        Ok(request)
    }
}

/// Streams a file and computes its checksum, up to the length it had when it was opened: the body must match the
/// `Content-Length` header.
fn chunks(file: File, length: u64, sent: Sent, held: Option<HeldBody>) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let start = (Arc::new(file), 0, Adler32::new(), held);
    try_unfold(start, move |(file, position, mut sum, held)| {
        let sent = sent.clone();
        async move {
            if let Some(held) = held {
                held.wait().await?;
            }
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
            if bytes.is_empty() {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the local file became shorter"));
            }
            let next = position + bytes.len() as u64;
            // The stream is not polled again once the announced length was sent.
            if next == length {
                sent.finish(length, sum.finish());
            }
            Ok(Some((Bytes::from(bytes), (file, next, sum, None))))
        }
    })
}

/// Returns a method that is not part of HTTP itself.
pub(super) fn method(name: &[u8]) -> Method {
    Method::from_bytes(name).unwrap_or_default()
}
