//! Failures without a response: no connection, no TLS, no HTTP.

use super::{body, tls};
use crate::error::Error;
use crate::exceptions::Exception;
use crate::retry::Retryable;

impl Retryable for reqwest::Error {
    /// Not a redirect error, a TLS failure or a response that is not HTTP: a retry would not help.
    fn is_retryable(&self) -> bool {
        !(self.is_redirect() || self.is_builder() || tls::failure(self).is_some() || body::is_not_http(self))
    }
}

/// Converts a transport error, with its root cause and, if known, a hint how to fix it.
pub(crate) fn transport_error(error: reqwest::Error) -> Error {
    let place = error.url().map(|url| format!("{}: ", url.origin().ascii_serialization())).unwrap_or_default();
    if let Some(failure) = tls::failure(&error) {
        let class = match failure.is_client_certificate {
            true => Exception::CannotAuthenticate,
            false => Exception::ServerConnectionException,
        };
        return Error::new(class, format!("{place}{}", failure.reason)).with_hint(failure.remedy);
    }
    let failure = Error::new(Exception::ServerConnectionException, format!("{place}{}", root_cause(&error)));
    match error.is_connect() || error.is_redirect() || body::is_not_http(&error) {
        true => failure.with_hint("Check [client] rucio_host and auth_host, or -H and --auth-host."),
        false => failure,
    }
}

/// Returns the innermost error of a chain: "Connection refused" rather than "error sending request".
pub(crate) fn root_cause(error: &reqwest::Error) -> String {
    if let Some(failure) = tls::failure(error) {
        return failure.reason;
    }
    let mut source: &dyn std::error::Error = error;
    while let Some(inner) = source.source() {
        source = inner;
    }
    match error.is_timeout() {
        true => "the server did not answer in time".to_owned(),
        false => source.to_string(),
    }
}
