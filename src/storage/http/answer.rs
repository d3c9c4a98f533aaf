//! What a storage's answers mean.

use reqwest::header::{CONTENT_RANGE, ETAG, HeaderMap, LAST_MODIFIED};
use reqwest::{Response, StatusCode};

use super::reading;
use crate::http::{retry_after, root_cause};
use crate::storage::{Kind, Part, Reading, Rest, Result, StorageError};

/// How the system's resolver begins what it has to say.
const NO_ADDRESS: &str = "failed to lookup address information";

/// A whole file. Errors: what the status stands for.
pub(super) fn whole(response: Response) -> Result<Reading> {
    let response = checked(response)?;
    if response.status() == StatusCode::PARTIAL_CONTENT {
        return Err(StorageError::new(Kind::Refused, "the storage sent a part where the whole file was asked for"));
    }
    let (length, version) = (response.content_length(), version(response.headers()));
    Ok(reading(response, length, 0, version))
}

/// The rest of a file, or the whole of it if the storage sends that; none if it must be asked again without a range.
pub(super) fn rest(response: Response, rest: &Rest) -> Result<Option<Reading>> {
    match response.status() {
        StatusCode::RANGE_NOT_SATISFIABLE => Ok(None),
        StatusCode::PARTIAL_CONTENT => {
            let range = response.headers().get(CONTENT_RANGE).and_then(|value| content_range(value.to_str().ok()?));
            let version = version(response.headers());
            let same = rest.version.is_none() || version == rest.version;
            match range {
                Some((start, total)) if start == rest.start && same => {
                    Ok(Some(reading(response, total, start, version)))
                }
                _ => Ok(None),
            }
        }
        _ => whole(response).map(Some),
    }
}

/// A part of a file; none if the answer is a success, or a refusal of the range, but not this part of this version. The body of
/// such an answer is not read, however long it is.
pub(super) fn part(response: Response, part: &Part) -> Result<Option<Reading>> {
    if response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
        return Ok(None);
    }
    let response = checked(response)?;
    let version = version(response.headers());
    let found = response.headers().get(CONTENT_RANGE).and_then(|value| stretch(value.to_str().ok()?));
    let is_right = response.status() == StatusCode::PARTIAL_CONTENT
        && found.is_some_and(|(start, last, whole)| {
            start == part.start
                && last.checked_add(1) == Some(part.end)
                && whole.is_none_or(|whole| whole == part.whole)
        })
        && response.content_length().is_none_or(|length| length == part.end - part.start)
        && (part.version.is_none() || version == part.version);
    Ok(is_right.then(|| reading(response, Some(part.whole), part.start, version)))
}

/// The answer if it is a success, else the error its status stands for.
pub(super) fn checked(response: Response) -> Result<Response> {
    let status = response.status();
    let kind = match status.as_u16() {
        200..=299 => return Ok(response),
        401 | 403 => Kind::Denied,
        404 | 410 => Kind::NotFound,
        429 | 503 => Kind::Overloaded,
        408 | 425 | 500..=599 => Kind::Transient,
        _ => Kind::Refused,
    };
    let mut error = StorageError::new(kind, format!("the storage answered {status}"));
    error.retry_after = retry_after(response.headers());
    Err(error)
}

/// What a connection that ends without closing TLS is called below; a storage that is killed ends so.
const UNSAID: &str = "close_notify";

/// A failure below HTTP.
pub(super) fn broken(error: &reqwest::Error) -> StorageError {
    let mut cause = root_cause(error);
    if cause.contains(UNSAID) {
        cause = "the connection was cut".to_owned();
    }
    let in_body = error.is_body() || error.is_decode();
    let kind = match () {
        () if error.is_timeout() => Kind::TimedOut,
        // Who sends a body has shown a good certificate before.
        () if in_body => Kind::Transient,
        () if error.is_builder() || cause.contains("certificate") || cause.contains("TLS") => Kind::Refused,
        () if cause.contains("Name or service not known") => Kind::Refused,
        () => Kind::Transient,
    };
    match kind {
        _ if cause.starts_with(NO_ADDRESS) => {
            let host = error.url().and_then(|url| url.host_str()).unwrap_or("the storage");
            StorageError::new(kind, format!("the address of {host} cannot be found{}", &cause[NO_ADDRESS.len()..]))
        }
        Kind::TimedOut => StorageError::new(kind, "the storage did not answer in time"),
        _ if in_body => StorageError::new(kind, format!("the transfer broke off: {cause}")),
        _ => StorageError::new(kind, cause),
    }
}

/// The name of this state of the file: a strong ETag, else the time of its last change.
fn version(headers: &HeaderMap) -> Option<String> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    text(ETAG).filter(|tag| !tag.starts_with("W/")).or_else(|| text(LAST_MODIFIED))
}

/// First byte and size of the whole file of a `Content-Range: bytes 4-9/10` (RFC 9110, section 14.4); none if it is no
/// range.
fn content_range(value: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = value.strip_prefix("bytes ")?.split_once('/')?;
    let (start, last) = range.split_once('-')?;
    let (start, last) = (digits(start)?, digits(last)?);
    let total = if total.trim() == "*" { None } else { Some(digits(total)?) };
    (start <= last && total.is_none_or(|total| last < total)).then_some((start, total))
}

/// A number as HTTP writes it: Rust would take `+4` for one, too.
fn digits(text: &str) -> Option<u64> {
    let text = text.trim();
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// The same with the last byte between them.
fn stretch(value: &str) -> Option<(u64, u64, Option<u64>)> {
    let (start, whole) = content_range(value)?;
    let (_, last) = value.split_once('/')?.0.split_once('-')?;
    Some((start, last.trim().parse().ok()?, whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges_are_read() {
        assert_eq!(content_range("bytes 4-9/10"), Some((4, Some(10))));
        assert_eq!(content_range("bytes 4-9/*"), Some((4, None)));
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
