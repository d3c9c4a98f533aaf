//! Why a storage does not accept a file. The status code alone often does not say it: an exceeded quota is 403 at object
//! stores, 409, 500 or 507 elsewhere, and the reason is in the body.

use std::time::Duration;

use quick_xml::Reader;
use quick_xml::events::Event;
use reqwest::Response;
use reqwest::header::CONTENT_TYPE;
use tokio::time::timeout;

use super::answer;
use crate::secret::hide_in_urls;
use crate::storage::{Result, StorageErrorKind};

/// Maximum number of bytes of a body that are read. Chosen: enough for any error document.
const LONGEST: usize = 8 * 1024;
/// Timeout for the body. Chosen: the message is not worth a longer wait.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Maximum length of a reason in characters. Chosen: two lines on a terminal.
const LONGEST_REASON: usize = 160;

/// Succeeds if the storage has accepted the file. Errors: that of the status code, with the reason in the body.
pub(super) async fn accepted(mut response: Response) -> Result<()> {
    let Some(mut error) = answer::failure(&response) else { return Ok(()) };
    if let Some(reason) = reason(&mut response).await {
        // A retry within seconds changes nothing, unless it is a quota of requests (429).
        if error.kind != StorageErrorKind::Overloaded && reason.to_lowercase().contains("quota") {
            error.kind = StorageErrorKind::Refused;
        }
        error.message = format!("{}: {reason}", error.message);
    }
    Err(error)
}

/// Returns the reason in the body: the code and the message of an XML document, or the first line of a text.
async fn reason(response: &mut Response) -> Option<String> {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (is_xml, is_text) = (kind.contains("xml") && !kind.contains("html"), kind.starts_with("text/plain"));
    if !is_xml && !is_text {
        return None;
    }
    let mut body = Vec::new();
    let read = async {
        while let Ok(Some(chunk)) = response.chunk().await {
            body.extend_from_slice(&chunk);
            if body.len() > LONGEST {
                break;
            }
        }
    };
    // What came until then may contain the reason.
    let _ = timeout(TIMEOUT, read).await;
    let text = if is_xml { xml_reason(&body) } else { first_line(&body) };
    let text: String = text.chars().filter(|char| !char.is_control()).take(LONGEST_REASON).collect();
    Some(hide_in_urls(&text).into_owned()).filter(|text| !text.is_empty())
}

fn first_line(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().to_owned()
}

/// Returns `Code` and `Message` of an S3 error, or the message of a WebDAV server.
fn xml_reason(body: &[u8]) -> String {
    let mut reader = Reader::from_reader(body);
    let (mut name, mut parts) = (String::new(), Vec::new());
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Start(tag) => name = tag.local_name().as_ref().to_lowercase(),
            Event::Text(text) if matches!(name.as_str(), "code" | "message") => parts.push(text.trim().to_owned()),
            Event::End(_) => name.clear(),
            Event::Eof => break,
            _ => {}
        }
    }
    parts.retain(|part| !part.is_empty());
    parts.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_refusals_have_the_reason_of_their_body() {
        let s3 = b"<?xml version='1.0'?><Error><Code>QuotaExceeded</Code><Message></Message><HostId>h</HostId></Error>";
        assert_eq!(xml_reason(s3), "QuotaExceeded");
        let both = b"<Error><Code>EntityTooLarge</Code><Message>Too &lt;large</Message></Error>";
        assert!(xml_reason(both).starts_with("EntityTooLarge: Too"), "{}", xml_reason(both));
        let dav =
            b"<d:error xmlns:d='DAV:' xmlns:s='s'><s:exception>E</s:exception><s:message>No room</s:message></d:error>";
        assert_eq!(xml_reason(dav), "No room");
        assert_eq!(xml_reason(b"<Error><Code>Cut"), "Cut");
        assert_eq!(first_line(b"\r\n Disk quota exceeded\nmore"), "Disk quota exceeded");
        assert_eq!(first_line(b""), "");
    }
}
