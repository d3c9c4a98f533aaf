//! Failures without a response: no connection, no TLS, no HTTP.

use super::send_error::causes;
use super::{SendError, tls};
use crate::error::{Error, LOG_ONLY};
use crate::exceptions::Exception;
use crate::hint::{Command, Hint};
use crate::retry::Retryable;

impl Retryable for SendError {
    /// Not a redirect error, a TLS failure or a response that is not HTTP: a retry would not help.
    fn is_retryable(&self) -> bool {
        !(self.is_redirect() || self.is_unsendable() || tls::failure(self).is_some() || is_not_http(self))
    }
}

/// Converts a transport error, with its root cause and, if known, a hint how to fix it.
pub(crate) fn transport_error(error: impl Into<SendError>) -> Error {
    let error = error.into();
    let place = error.url().map(|url| format!("{}: ", url.origin().ascii_serialization())).unwrap_or_default();
    if let Some(failure) = tls::failure(&error) {
        let class = if failure.is_client_certificate {
            Exception::CannotAuthenticate
        } else {
            Exception::ServerConnectionException
        };
        return Error::new(class, format!("{place}{}", failure.reason)).with_hints(failure.hints);
    }
    let failure = Error::new(Exception::ServerConnectionException, format!("{place}{}", root_cause(&error)));
    if error.is_connect() {
        failure
            .with_hint(tls::check_address("Check the address of the server"))
            .with_hint(Hint::command("Or the server is down. To find out", Command::Doctor))
    } else if error.is_redirect() || is_not_http(&error) {
        failure.with_hint(tls::check_address("Check the address of the server"))
    } else {
        failure
    }
}

/// Logs that no connection to a server was made, as the official client does for each attempt.
pub(super) fn log_no_connection(error: &SendError) {
    let Some(url) = error.url().filter(|_| error.is_connect() || tls::failure(error).is_some()) else { return };
    let scheme = if url.scheme() == "https" { "HTTPS" } else { "HTTP" };
    tracing::error!(
        target: LOG_ONLY,
        "ConnectionError: {scheme}ConnectionPool(host='{}', port={}): Max retries exceeded with url: {} ({})",
        url.host_str().unwrap_or_default(),
        url.port_or_known_default().unwrap_or_default(),
        url.path(),
        root_cause(error)
    );
}

/// Returns the innermost error of a chain: "Connection refused" rather than "error sending request".
pub(crate) fn root_cause(error: &SendError) -> String {
    if let Some(failure) = tls::failure(error) {
        failure.reason
    } else if error.is_timeout() {
        "the server did not answer in time".to_owned()
    } else {
        causes(error).last().map(ToString::to_string).unwrap_or_default()
    }
}

/// Returns whether the response was not valid HTTP, or its headers were too long.
fn is_not_http(error: &SendError) -> bool {
    causes(error).any(|cause| cause.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse))
}
