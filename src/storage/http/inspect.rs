//! Queries size and checksum of a file: by `HEAD`, and if that does not report them, by reading the first byte (RFC
//! 9110, section 14) and by `PROPFIND` (RFC 4918, section 9.1).

use std::time::Duration;

use quick_xml::Reader;
use quick_xml::events::Event;
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, HeaderName, HeaderValue, RANGE};
use reqwest::{Method, Response, StatusCode};
use url::Url;

use super::call::{Call, method};
use super::digest::{ReportedDigests, reported_digests};
use super::{WebStorage, answer};
use crate::retry::retry_after;
use crate::storage::write::Stored;
use crate::storage::{Result, StorageError, StorageErrorKind};

/// Requests a checksum (RFC 3230), as grid storages support it.
const WANT_DIGEST: HeaderName = HeaderName::from_static("want-digest");
/// The same in RFC 9530, with preferences.
const WANT_REPR_DIGEST: HeaderName = HeaderName::from_static("want-repr-digest");
const REPR_DIGESTS: &str = "adler=10, md5=5";
const DEPTH: HeaderName = HeaderName::from_static("depth");
/// Responses of servers without checksums to `Want-Digest`: XRootD's since 5.5 (405, later 403), and others.
const REFUSES_DIGEST: [StatusCode; 6] = [
    StatusCode::BAD_REQUEST,
    StatusCode::FORBIDDEN,
    StatusCode::METHOD_NOT_ALLOWED,
    StatusCode::NOT_ACCEPTABLE,
    StatusCode::INTERNAL_SERVER_ERROR,
    StatusCode::NOT_IMPLEMENTED,
];
/// Time after which a checksum that is being computed is queried again, if the storage specifies none.
const NOT_READY_PAUSE: Duration = Duration::from_secs(5);
/// Adler-32 and MD5 of an empty file.
const EMPTY: [&str; 2] = ["00000001", "d41d8cd98f00b204e9800998ecf8427e"];
/// Maximum size of a `PROPFIND` response in bytes.
const LONGEST: usize = 64 * 1024;

impl WebStorage {
    /// Queries a presigned URL by reading its first byte: it is valid for one method only.
    pub(super) async fn inspect_signed(&self, url: &Url) -> Result<Option<Stored>> {
        let response = self.first_byte(url).await?;
        if response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
            return Ok(Some(Stored { bytes: Some(size(&response).unwrap_or(0)), ..Stored::default() }));
        }
        let Some(response) = found(response)? else { return Ok(None) };
        let ReportedDigests { adler32, md5 } = reported_digests(response.headers());
        Ok(Some(Stored { bytes: size(&response), adler32, md5 }))
    }

    /// Queries size and checksum; a result with neither means that the storage does not report them by any method.
    pub(super) async fn inspect_plain(&self, url: &Url) -> Result<Option<Stored>> {
        let call = Call::new(Method::HEAD).with(WANT_DIGEST, "adler32")?.with(WANT_REPR_DIGEST, REPR_DIGESTS)?;
        let response = self.writer.send(&call, url).await?;
        if REFUSES_DIGEST.contains(&response.status()) {
            return self.inspect_without_digest(url).await;
        }
        self.stored(response, url).await
    }

    /// Queries the size without a checksum, which a storage may take long to compute.
    pub(super) async fn inspect_without_digest(&self, url: &Url) -> Result<Option<Stored>> {
        let response = self.writer.send(&Call::new(Method::HEAD), url).await?;
        self.stored(response, url).await
    }

    /// Reads size and checksum from the response to `HEAD`, or requests the size otherwise.
    async fn stored(&self, response: Response, url: &Url) -> Result<Option<Stored>> {
        if response.status() == StatusCode::ACCEPTED {
            return Err(not_ready(&response));
        }
        let Some(response) = found(response)? else { return Ok(None) };
        let stored = stored_from_headers(&response);
        if stored.is_known() {
            return Ok(Some(stored));
        }
        let bytes = match passing(self.first_byte(url).await)?.as_ref().and_then(size) {
            None => passing(self.properties(url).await)?.flatten(),
            known => known,
        };
        Ok(Some(Stored { bytes, ..stored }))
    }

    async fn first_byte(&self, url: &Url) -> Result<Response> {
        self.writer.send(&Call::new(Method::GET).with(RANGE, "bytes=0-0")?, url).await
    }

    async fn properties(&self, url: &Url) -> Result<Option<u64>> {
        let call = Call::new(method(b"PROPFIND")).with(DEPTH, "0")?;
        let mut response = answer::checked(self.writer.send(&call, url).await?)?;
        let mut text = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(answer::transport_error)? {
            text.extend_from_slice(&chunk);
            if text.len() > LONGEST {
                return Ok(None);
            }
        }
        Ok(content_length(&text))
    }
}

/// Creates the error for a checksum that is being computed (202 from DPM), with the time to wait for it.
fn not_ready(response: &Response) -> StorageError {
    let wait = retry_after(response.headers()).unwrap_or(NOT_READY_PAUSE);
    let error = StorageError::new(StorageErrorKind::Overloaded, "the storage computes the checksum (202 Accepted)");
    StorageError { retry_after: Some(wait), ..error }
}

/// Returns the response; `None` if the file does not exist.
pub(super) fn found(response: Response) -> Result<Option<Response>> {
    match answer::checked(response) {
        Err(error) if error.kind == StorageErrorKind::NotFound => Ok(None),
        outcome => outcome.map(Some),
    }
}

/// Ignores permanent errors: the storage does not support the query. Errors: temporary failures.
fn passing<T>(asked: Result<T>) -> Result<Option<T>> {
    match asked {
        Err(error) if error.is_retryable() => Err(error),
        asked => Ok(asked.ok()),
    }
}

fn text(response: &Response, name: HeaderName) -> Option<&str> {
    response.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok())
}

/// Reads size and checksum from the headers of a `HEAD` response. Some XRootD servers report length 0 for a non-empty
/// file, with a correct digest (xrootd/xrootd#1707): a zero length is ignored if a digest is not that of an empty file.
fn stored_from_headers(response: &Response) -> Stored {
    let ReportedDigests { adler32, md5 } = reported_digests(response.headers());
    let has_bytes = [&adler32, &md5].into_iter().flatten().any(|sum| !EMPTY.contains(&sum.as_str()));
    // A HEAD response has no body: the length is only in the header.
    let bytes: Option<u64> = text(response, CONTENT_LENGTH).and_then(|length| length.parse().ok());
    Stored { bytes: bytes.filter(|bytes| *bytes > 0 || !has_bytes), adler32, md5 }
}

/// Returns the total size from the response to a request for the first byte.
fn size(response: &Response) -> Option<u64> {
    match response.status() {
        StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE => {
            text(response, CONTENT_RANGE)?.rsplit_once('/')?.1.trim().parse().ok()
        }
        StatusCode::OK => response.content_length(),
        _ => None,
    }
}

/// Returns `getcontentlength` of a multi-status response, with any namespace prefix.
fn content_length(document: &[u8]) -> Option<u64> {
    let mut reader = Reader::from_reader(document);
    let mut inside = false;
    loop {
        match reader.read_event().ok()? {
            Event::Start(tag) => inside = tag.local_name().as_ref().eq_ignore_ascii_case("getcontentlength"),
            Event::Text(text) if inside => return text.trim().parse().ok(),
            Event::End(_) => inside = false,
            Event::Eof => return None,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_sizes_are_found_in_multi_status_responses() {
        let answer = |length: &str| {
            format!(
                "<?xml version=\"1.0\"?><D:multistatus xmlns:D=\"DAV:\"><D:response xmlns:lp1=\"DAV:\"><D:href>/7</D:href>\
                 <D:propstat><D:prop><lp1:resourcetype/>{length}</D:prop></D:propstat></D:response></D:multistatus>"
            )
        };
        let found = |length| content_length(answer(length).as_bytes());
        assert_eq!(found("<lp1:getcontentlength> 9 </lp1:getcontentlength>"), Some(9));
        assert_eq!(found("<getcontentlength>9</getcontentlength>"), Some(9));
        for none in ["", "<lp1:getcontentlength/><x>9</x>", "<lp1:getcontentlength>x</lp1:getcontentlength>"] {
            assert_eq!(found(none), None, "{none}");
        }
        assert_eq!(content_length(b"no XML <"), None);
    }
}
