//! `/credentials`: signed URLs for objects in cloud storage.

use reqwest::StatusCode;
use reqwest::header::HeaderMap;

use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::http::{Client, Request, checked, text};

/// Maximum length of a quoted server message, in characters.
const QUOTED: usize = 300;

/// A request for a signed URL.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signature<'a> {
    /// RSE of the URL.
    pub rse: &'a str,
    /// Storage service: `gcs`, `s3` or `swift`.
    pub service: &'a str,
    /// Allowed operation: `read`, `write` or `delete`.
    pub operation: &'a str,
    /// Lifetime in seconds.
    pub lifetime: u64,
    /// URL of the object.
    pub url: &'a str,
}

/// Signs a URL: `GET /credentials/signurl`.
///
/// Errors: `AccessDenied` if the account may not sign URLs; `RSENotFound`; `UnsupportedOperation` if the URL does not
/// match the service; `ErrorLoadingCredentials` if the server lacks the service's credentials, which it only reports as
/// text.
pub(crate) async fn sign_url(client: &Client, wanted: Signature<'_>) -> Result<String> {
    let request = Request::get("credentials/signurl")
        .query("lifetime", wanted.lifetime.to_string())
        .query("rse", wanted.rse)
        .query("svc", wanted.service)
        .query("op", wanted.operation)
        .query("url", wanted.url);
    let answer = client.send_authenticated(&client.settings().rucio_host, &request).await?;
    if answer.status() == StatusCode::INTERNAL_SERVER_ERROR && is_prose(answer.headers()) {
        let complaint = text(answer).await?;
        let complaint: String = complaint.trim().chars().take(QUOTED).collect();
        let details = format!("The server cannot sign for {} on {}: {complaint}", wanted.service, wanted.rse);
        return Err(Error::new(Exception::ErrorLoadingCredentials, details));
    }
    Ok(text(checked(answer).await?).await?.trim().to_owned())
}

/// Returns whether an error is an uncaught Python exception rather than one of Rucio.
fn is_prose(headers: &HeaderMap) -> bool {
    !headers.contains_key("ExceptionClass")
}
