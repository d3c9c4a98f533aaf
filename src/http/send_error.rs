//! The error of a request without a complete response.

use std::error::Error as StdError;
use std::fmt::{Display, Formatter};
use std::io;

use hyper_util::client::legacy;
use url::Url;

/// The error of a request without a response, or of reading its body.
#[derive(Debug)]
pub(crate) struct SendError {
    kind: Kind,
    url: Option<Url>,
    source: Box<dyn StdError + Send + Sync>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The request cannot be sent as it is.
    Unsendable,
    Connect,
    /// The connection failed or timed out before the response.
    NoResponse,
    Redirect,
    Body,
}

impl SendError {
    pub(crate) fn unsendable(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { kind: Kind::Unsendable, url: None, source: error.into() }
    }

    pub(super) fn no_response(error: legacy::Error, url: Url) -> Self {
        let kind = if error.is_connect() { Kind::Connect } else { Kind::NoResponse };
        Self { kind, url: Some(url), source: error.into() }
    }

    pub(super) fn timed_out(error: io::Error, url: Url) -> Self {
        Self { kind: Kind::NoResponse, url: Some(url), source: error.into() }
    }

    pub(super) fn redirect(message: String, url: Url) -> Self {
        Self { kind: Kind::Redirect, url: Some(url), source: message.into() }
    }

    /// Returns the URL of the request, if the error is about one.
    pub(crate) fn url(&self) -> Option<&Url> {
        self.url.as_ref()
    }

    /// Whether the request cannot be sent as it is.
    pub(crate) fn is_unsendable(&self) -> bool {
        self.kind == Kind::Unsendable
    }

    /// Whether no connection could be opened.
    pub(crate) fn is_connect(&self) -> bool {
        self.kind == Kind::Connect
    }

    /// Whether the connection ended after it was made, and before the first byte of the response.
    pub(crate) fn is_unanswered(&self) -> bool {
        self.kind == Kind::NoResponse && !self.is_timeout()
    }

    /// Whether a redirect was not followed.
    pub(crate) fn is_redirect(&self) -> bool {
        self.kind == Kind::Redirect
    }

    /// Whether the response had begun.
    pub(crate) fn is_body(&self) -> bool {
        self.kind == Kind::Body
    }

    /// Whether a time limit ended it.
    pub(crate) fn is_timeout(&self) -> bool {
        causes(self).any(|cause| {
            cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::TimedOut)
                || cause.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_timeout)
        })
    }
}

/// Returns an error and its causes, from the outermost to the innermost.
pub(super) fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn StdError + 'static)| (*error).source())
}

impl From<reqwest::Error> for SendError {
    /// Converts the error of reading a body: requests are not sent by reqwest.
    fn from(error: reqwest::Error) -> Self {
        Self { kind: Kind::Body, url: error.url().cloned(), source: error.into() }
    }
}

impl Display for SendError {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.source)
    }
}

impl StdError for SendError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.source)
    }
}
