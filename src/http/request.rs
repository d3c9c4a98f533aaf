//! What is asked of the server, before it is sent.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde_json::Value;

/// What stands as it is in a path: the unreserved characters of RFC 3986. (The official client writes a space as
/// `+` here, which no server turns back.)
const QUOTED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'.').remove(b'-').remove(b'~');

/// One part of a path, quoted so that any name survives the way to the server.
pub fn segment(text: &str) -> String {
    utf8_percent_encode(text, QUOTED).to_string()
}

/// A call of the REST API: method, path below the host, query and body.
#[derive(Debug, Clone)]
pub struct Request {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) body: Option<Value>,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) repeatable: bool,
}

impl Request {
    fn new(method: Method, path: impl Into<String>) -> Self {
        let repeatable = method != Method::POST;
        Self { method, path: path.into(), query: Vec::new(), body: None, headers: Vec::new(), repeatable }
    }

    /// `GET path`.
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    /// `POST path`. It is never sent twice, unless [`Request::repeatable`] says that it only reads.
    pub fn post(path: impl Into<String>, body: Value) -> Self {
        Self { body: Some(body), ..Self::new(Method::POST, path) }
    }

    /// `PUT path`.
    pub fn put(path: impl Into<String>, body: Value) -> Self {
        Self { body: Some(body), ..Self::new(Method::PUT, path) }
    }

    /// `DELETE path`.
    pub fn delete(path: impl Into<String>, body: Option<Value>) -> Self {
        Self { body, ..Self::new(Method::DELETE, path) }
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

    /// Says that a POST changes nothing and may be sent again.
    pub fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_quoted() {
        for (text, expected) in [
            ("user.jdoe", "user.jdoe"),
            ("a b/c", "a%20b%2Fc"),
            ("100%+é&", "100%25%2B%C3%A9%26"),
            ("~x_y-z", "~x_y-z"),
        ] {
            assert_eq!(segment(text), expected);
        }
    }
}
