//! Interpretation of HTTP responses: status codes, ranges, versions and transport errors.

use reqwest::header::{CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, LAST_MODIFIED};
use reqwest::{Response, StatusCode};

use super::reading;
use crate::http::{SendError, root_cause};
use crate::retry::retry_after;
use crate::storage::{ByteRange, ObjectReader, RangeRequest, Result, ResumeFrom, StorageError, StorageErrorKind};

/// Prefix of the system resolver's error messages.
const NO_ADDRESS: &str = "failed to lookup address information";

/// Returns the reader of a whole file. Errors: the meaning of the status code.
pub(super) fn whole_file(response: Response) -> Result<ObjectReader> {
    let response = is_file(response)?;
    if response.status() == StatusCode::PARTIAL_CONTENT {
        return Err(StorageError::new(StorageErrorKind::Refused, "the storage sent a part instead of the whole file"));
    }
    let (length, version) = (response.content_length(), version(response.headers()));
    Ok(reading(response, length, 0, version))
}

/// Returns the reader of the rest of a file, or of the whole file if the storage sends that; `None` if the request has
/// to be repeated without a range.
pub(super) fn resumed_file(response: Response, resume: &ResumeFrom) -> Result<Option<ObjectReader>> {
    match response.status() {
        StatusCode::RANGE_NOT_SATISFIABLE => Ok(None),
        StatusCode::PARTIAL_CONTENT => {
            let range = response.headers().get(CONTENT_RANGE).and_then(|value| content_range(value.to_str().ok()?));
            let version = version(response.headers());
            let same = resume.version.is_none() || version == resume.version;
            let has_bytes = response.content_length() != Some(0);
            match range {
                Some((range, whole)) if range.start == resume.start && same && has_bytes => {
                    Ok(Some(reading(response, whole, range.start, version)))
                }
                _ => Ok(None),
            }
        }
        _ => whole_file(response).map(Some),
    }
}

/// Returns the reader of a byte range; `None` for a successful response, or a rejection of the range, that is not this
/// range of this version. The body of such a response is not read, however long it is.
pub(super) fn byte_range(response: Response, request: &RangeRequest) -> Result<Option<ObjectReader>> {
    if response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
        return Ok(None);
    }
    let response = is_file(response)?;
    let version = version(response.headers());
    let found = response.headers().get(CONTENT_RANGE).and_then(|value| content_range(value.to_str().ok()?));
    let is_right = response.status() == StatusCode::PARTIAL_CONTENT
        && found
            .is_some_and(|(range, whole)| range == request.range && whole.is_none_or(|whole| whole == request.whole))
        && response.content_length().is_none_or(|length| length == request.range.len())
        && (request.version.is_none() || version == request.version);
    Ok(is_right.then(|| reading(response, Some(request.whole), request.range.start, version)))
}

/// Returns the response if its body is the file or a part of it, else the error for its status code. Accepted (202) means
/// that the file is being staged from tape (StoRM, DPM), or replicated (Dynafed).
fn is_file(response: Response) -> Result<Response> {
    if response.status() != StatusCode::ACCEPTED {
        return checked(response);
    }
    let mut error = StorageError::new(StorageErrorKind::Staging, "the storage is staging the file (202 Accepted)");
    error.retry_after = retry_after(response.headers());
    Err(error)
}

/// Returns the response if it is successful, else the error for its status code.
pub(super) fn checked(response: Response) -> Result<Response> {
    match failure(&response) {
        Some(error) => Err(error),
        None => Ok(response),
    }
}

/// Returns the error for the status code of a response, `None` if it is successful.
pub(super) fn failure(response: &Response) -> Option<StorageError> {
    let status = response.status();
    let kind = match status.as_u16() {
        200..=299 => return None,
        507 => {
            let message = format!("the storage is full: it answered {status}");
            return Some(StorageError::new(StorageErrorKind::Refused, message));
        }
        401 | 403 => StorageErrorKind::Denied,
        404 | 410 => StorageErrorKind::NotFound,
        429 | 503 => StorageErrorKind::Overloaded,
        408 | 425 | 500..=599 => StorageErrorKind::Transient,
        _ => StorageErrorKind::Refused,
    };
    let mut error = StorageError::new(kind, format!("the storage answered {status}"));
    error.retry_after = retry_after(response.headers());
    Some(error)
}

/// Returns who sent a web page in place of a file: a storage may redirect to its login, or a proxy show an error. A file that
/// is a web page has a name that says so.
pub(super) fn web_page_from(response: &Response) -> Option<String> {
    let kind = response.headers().get(CONTENT_TYPE)?.to_str().ok()?.to_ascii_lowercase();
    let url = response.url();
    let is_page = kind.starts_with("text/html") || kind.starts_with("application/xhtml");
    let name = url.path().to_ascii_lowercase();
    let is_file = [".html", ".htm", ".xhtml"].iter().any(|end| name.ends_with(end));
    (is_page && !is_file).then(|| url.origin().ascii_serialization())
}

impl From<SendError> for StorageError {
    fn from(error: SendError) -> Self {
        transport_error(error)
    }
}

/// Converts a transport error.
pub(super) fn transport_error(error: impl Into<SendError>) -> StorageError {
    let error = error.into();
    let cause = root_cause(&error);
    let in_body = error.is_body();
    let is_permanent = error.is_unsendable()
        || ["certificate", "TLS", "Name or service not known"].iter().any(|part| cause.contains(part));
    let kind = if error.is_timeout() {
        StorageErrorKind::TimedOut
    // A server that sends a body has already presented a valid certificate.
    } else if is_permanent && !in_body {
        StorageErrorKind::Refused
    } else {
        StorageErrorKind::Transient
    };
    let is_disconnect = kind == StorageErrorKind::Transient && !in_body && !cause.starts_with(NO_ADDRESS);
    let message = if let Some(rest) = cause.strip_prefix(NO_ADDRESS) {
        let host = error.url().and_then(|url| url.host_str()).unwrap_or("the storage");
        format!("the address of {host} cannot be found{rest}")
    } else if kind == StorageErrorKind::TimedOut {
        "the storage did not answer in time".to_owned()
    } else if in_body {
        format!("the transfer broke off: {cause}")
    } else {
        cause
    };
    StorageError { is_disconnect, ..StorageError::new(kind, message) }
}

/// Returns the version of the file: a strong ETag, else the modification time.
fn version(headers: &HeaderMap) -> Option<String> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    text(ETAG).filter(|tag| !tag.starts_with("W/")).or_else(|| text(LAST_MODIFIED))
}

/// Parses the byte range and the size of the whole file of `Content-Range: bytes 4-9/10` (RFC 9110, section 14.4);
/// `None` if it is not a byte range.
fn content_range(value: &str) -> Option<(ByteRange, Option<u64>)> {
    let (range, whole) = value.strip_prefix("bytes ")?.split_once('/')?;
    let (start, last) = range.split_once('-')?;
    let range = ByteRange::new(digits(start)?, digits(last)?.checked_add(1)?);
    let whole = if whole.trim() == "*" { None } else { Some(digits(whole)?) };
    (!range.is_empty() && whole.is_none_or(|whole| range.end <= whole)).then_some((range, whole))
}

/// Parses a number in HTTP syntax; Rust's parser would accept `+4`, too.
fn digits(text: &str) -> Option<u64> {
    let text = text.trim();
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_content_ranges_are_read() {
        assert_eq!(content_range("bytes 4-9/10"), Some((ByteRange::new(4, 10), Some(10))));
        assert_eq!(content_range("bytes 4-9/*"), Some((ByteRange::new(4, 10), None)));
        for bad in [
            "",
            "bytes */10",
            "items 4-9/10",
            "bytes 4/10",
            "bytes 4-9",
            "bytes +4-9/10",
            "bytes -4-9/10",
            "bytes 4-3/10",
            "bytes 4-9/9",
            "bytes 4-x/10",
            "bytes 4-9/",
            "bytes 4-9/x",
        ] {
            assert_eq!(content_range(bad), None, "{bad}");
        }
    }
}
