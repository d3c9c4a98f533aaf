//! Failures of OpenSSL, as the same errors of rustls where there are some.

use std::io;
use std::sync::{Arc, Mutex};

use openssl::error::ErrorStack;
use rustls::{AlertDescription, Error, InvalidMessage, OtherError};

use crate::lock::lock;

/// Reasons of alerts received are this plus the number of the alert (`SSL_AD_REASON_OFFSET`).
const ALERT_OFFSET: i32 = 1000;

/// Why the server's certificate was refused, if it was.
#[derive(Debug, Clone, Default)]
pub(super) struct Verdict(Arc<Mutex<Option<Error>>>);

impl Verdict {
    /// Sets the reason; the first one counts.
    pub(super) fn set(&self, error: Error) {
        lock(&self.0).get_or_insert(error);
    }

    fn get(&self) -> Option<Error> {
        lock(&self.0).clone()
    }
}

/// A handshake that OpenSSL refuses for a reason that has no error in rustls.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub(in crate::http::tls) struct Refusal {
    /// The whole reason, in words.
    pub(in crate::http::tls) reason: String,
}

impl Refusal {
    pub(super) fn error(reason: String) -> Error {
        Error::Other(OtherError(Arc::new(Self { reason })))
    }
}

/// Converts the error of a handshake.
pub(super) fn explain(error: openssl::ssl::Error, verdict: &Verdict) -> io::Error {
    explain_io(error.into_io_error().unwrap_or_else(io::Error::other), verdict)
}

/// Converts an error of a connection.
pub(super) fn explain_io(error: io::Error, verdict: &Verdict) -> io::Error {
    let Some(inner) = error.get_ref().and_then(|inner| inner.downcast_ref::<openssl::ssl::Error>()) else {
        return error;
    };
    if let Some(error) = verdict.get() {
        return io::Error::new(io::ErrorKind::InvalidData, error);
    }
    match inner.ssl_error().and_then(converted) {
        Some(error) => error,
        None => io::ErrorKind::UnexpectedEof.into(),
    }
}

/// Converts the last of OpenSSL's errors.
fn converted(errors: &ErrorStack) -> Option<io::Error> {
    let last = errors.errors().last()?;
    let reason = last.reason().unwrap_or_default();
    let error = match (last.reason_code(), reason) {
        (code @ ALERT_OFFSET..=1255, _) => {
            Error::AlertReceived(AlertDescription::from(u8::try_from(code - ALERT_OFFSET).ok()?))
        }
        (_, "unexpected eof while reading") => return Some(io::ErrorKind::UnexpectedEof.into()),
        (_, "wrong version number" | "http request" | "https proxy request" | "packet length too long") => {
            Error::InvalidMessage(InvalidMessage::InvalidContentType)
        }
        (_, reason) => Refusal::error(format!("the TLS handshake failed: {}", in_words(reason))),
    };
    Some(io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Adds what OpenSSL's reason means, where that is not obvious.
fn in_words(reason: &str) -> String {
    match reason {
        "unsupported protocol" | "no protocols available" => {
            format!("the server speaks only versions before TLS 1.2, which are not accepted ({reason})")
        }
        "unsafe legacy renegotiation disabled" => {
            format!("the server lacks secure renegotiation (RFC 5746), so that others could insert requests ({reason})")
        }
        "dh key too small" | "ee key too small" | "bad ecpoint" | "wrong curve" => {
            format!("the server's key exchange is too weak ({reason})")
        }
        "" => "OpenSSL gives no reason".to_owned(),
        other => other.to_owned(),
    }
}
