//! Requests to the server: method, path, query, headers and body.

use std::fs::File;
use std::io::{self, ErrorKind, Seek};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{Stream, try_unfold};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use reqwest::header::{CONTENT_LENGTH, HeaderMap};
use serde_json::Value;

/// Characters not escaped in a path segment: the unreserved characters of RFC 3986. (The official client encodes a
/// space as `+`, which no server decodes here.)
const QUOTED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'.').remove(b'-').remove(b'~');

/// Percent-encodes a path segment.
pub fn segment(text: &str) -> String {
    utf8_percent_encode(text, QUOTED).to_string()
}

/// A request to the REST API: method, path below the host, query and body.
#[derive(Debug, Clone)]
pub struct Request {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) body: Option<Body>,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) extra_headers: HeaderMap,
    pub(super) repeatable: bool,
    /// Whether to wait for a server that is unavailable.
    pub(super) waits: bool,
    /// The first Rucio release whose server knows the call, if it is not in all that are supported.
    pub(super) since: Option<u32>,
}

/// Request body.
#[derive(Debug, Clone)]
pub(super) enum Body {
    Json(Value),
    File(FileBody),
}

impl Body {
    /// Returns the text for the log; `None` for a file. The values of fields that hold secrets are hidden.
    pub(super) fn shown(&self) -> Option<String> {
        match self {
            Self::Json(Value::Object(fields)) => {
                let mut fields = fields.clone();
                for (name, value) in &mut fields {
                    if ["password", "passphrase", "secret", "token"].iter().any(|secret| name.contains(secret)) {
                        *value = "[hidden]".into();
                    }
                }
                Some(Value::Object(fields).to_string())
            }
            Self::Json(value) => Some(value.to_string()),
            Self::File(_) => None,
        }
    }

    /// Sets the body of a request.
    pub(super) fn attach(&self, request: &mut reqwest::Request) {
        let body = match self {
            Self::Json(value) => value.to_string().into(),
            Self::File(file) => {
                // Apache's WSGI rejects a body without a Content-Length.
                request.headers_mut().insert(CONTENT_LENGTH, file.length.into());
                reqwest::Body::wrap_stream(file.clone().chunks())
            }
        };
        *request.body_mut() = Some(body);
    }
}

/// The rest of a file as a request body, read while it is sent.
#[derive(Debug, Clone)]
pub struct FileBody {
    file: Arc<File>,
    start: u64,
    length: u64,
}

impl FileBody {
    /// Block size in bytes.
    const CHUNK: u64 = 1 << 16;

    /// Takes the file from its current position to its current end. Errors: not a regular file (a pipe has no known
    /// length).
    pub fn new(mut file: File) -> io::Result<Self> {
        let kind = file.metadata()?;
        if !kind.is_file() {
            return Err(ErrorKind::NotSeekable.into());
        }
        let start = file.stream_position()?;
        Ok(Self { file: Arc::new(file), start, length: kind.len().saturating_sub(start) })
    }

    fn chunks(self) -> impl Stream<Item = io::Result<Bytes>> + Send {
        try_unfold(0, move |sent| {
            let body = self.clone();
            async move {
                let chunk = tokio::task::spawn_blocking(move || body.read(sent)).await.map_err(io::Error::other)??;
                Ok((!chunk.is_empty()).then(|| (chunk.clone(), sent + chunk.len() as u64)))
            }
        })
    }

    /// Reads the block after the bytes already sent.
    fn read(&self, sent: u64) -> io::Result<Bytes> {
        let mut buffer = vec![0; (self.length - sent).min(Self::CHUNK) as usize];
        self.file.read_exact_at(&mut buffer, self.start + sent)?;
        Ok(buffer.into())
    }
}

impl Request {
    /// Creates a request. It is retried only if its method is idempotent (RFC 9110, 9.2.2).
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        let repeatable = method.is_idempotent();
        Self {
            method,
            path: path.into(),
            query: Vec::new(),
            body: None,
            headers: Vec::new(),
            extra_headers: HeaderMap::new(),
            repeatable,
            waits: true,
            since: None,
        }
    }

    /// Creates a `GET` request.
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    /// Creates a `POST` request. It is not retried, unless marked with [`Request::repeatable`].
    pub fn post(path: impl Into<String>, body: Value) -> Self {
        Self::new(Method::POST, path).body(body)
    }

    /// Creates a `PUT` request.
    pub fn put(path: impl Into<String>, body: Value) -> Self {
        Self::new(Method::PUT, path).body(body)
    }

    /// Creates a `DELETE` request.
    pub fn delete(path: impl Into<String>, body: Option<Value>) -> Self {
        Self { body: body.map(Body::Json), ..Self::new(Method::DELETE, path) }
    }

    /// Sets a JSON body.
    pub fn body(self, body: Value) -> Self {
        Self { body: Some(Body::Json(body)), ..self }
    }

    /// Sets a file as the body.
    pub fn file(self, body: FileBody) -> Self {
        Self { body: Some(Body::File(body)), ..self }
    }

    /// Adds `key=value` to the query.
    pub fn query(mut self, key: &str, value: impl Into<String>) -> Self {
        self.query.push((key.to_owned(), value.into()));
        self
    }

    /// Adds a header.
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Adds headers that override ours of the same name.
    pub fn headers(mut self, headers: HeaderMap) -> Self {
        self.extra_headers.extend(headers);
        self
    }

    /// Marks a POST as read-only, so that it may be retried.
    pub fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// Names the first Rucio release whose server knows the call.
    pub(crate) fn since(mut self, release: u32) -> Self {
        self.since = Some(release);
        self
    }

    /// Marks a request whose caller waits for an unavailable server itself.
    pub(crate) fn without_waiting(mut self) -> Self {
        self.waits = false;
        self
    }

    /// Returns whether the request only reads, so that it may be sent at any time again.
    pub(super) fn is_read(&self) -> bool {
        self.waits && self.repeatable && (self.method.is_safe() || self.method == Method::POST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{SeekFrom, Write};

    #[test]
    fn url_segments_are_quoted() {
        for (text, expected) in [
            ("user.jdoe", "user.jdoe"),
            ("a b/c", "a%20b%2Fc"),
            ("100%+é&", "100%25%2B%C3%A9%26"),
            ("~x_y-z", "~x_y-z"),
        ] {
            assert_eq!(segment(text), expected);
        }
    }

    #[test]
    fn request_is_repeatable_only_if_harmless() {
        for (method, expected) in [
            (Method::GET, true),
            (Method::HEAD, true),
            (Method::PUT, true),
            (Method::DELETE, true),
            (Method::OPTIONS, true),
            (Method::POST, false),
            (Method::PATCH, false),
        ] {
            assert_eq!(Request::new(method.clone(), "").repeatable, expected, "{method}");
        }
    }

    #[test]
    fn request_body_file_is_sent_from_its_position_any_number_of_times() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[7; 200_000]).unwrap();
        file.seek(SeekFrom::Start(10)).unwrap();
        let body = FileBody::new(file).unwrap();
        for _ in 0..2 {
            let (mut sent, mut pieces) = (0, 0);
            while let chunk @ 1.. = body.read(sent).unwrap().len() as u64 {
                (sent, pieces) = (sent + chunk, pieces + 1);
            }
            assert_eq!((sent, pieces), (199_990, 4));
        }
        assert!(FileBody::new(File::open("/dev/null").unwrap()).is_err());
    }
}
