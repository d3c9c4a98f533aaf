//! `/credentials`: access to single objects in cloud storage.

use reqwest::StatusCode;
use reqwest::header::HeaderMap;

use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::http::{Client, Request, checked, text};

/// How much of the server's complaint is quoted, in characters.
const QUOTED: usize = 300;

/// What is to be signed, and how.
#[derive(Debug, Clone, Copy)]
pub struct Signature<'a> {
    /// The RSE that the URL is of.
    pub rse: &'a str,
    /// The storage service: `gcs`, `s3` or `swift`.
    pub service: &'a str,
    /// What the URL is to allow: `read`, `write` or `delete`.
    pub operation: &'a str,
    /// How long, in seconds.
    pub lifetime: u64,
    /// The URL of the object.
    pub url: &'a str,
}

/// Has a URL signed: `GET /credentials/signurl`.
///
/// Errors: `AccessDenied` if the account may not have URLs signed, `RSENotFound`, `UnsupportedOperation` if the URL is not
/// of the service's shape; `ErrorLoadingCredentials` if the server lacks the service's credentials, which it only says in
/// prose.
pub async fn sign_url(client: &Client, wanted: Signature<'_>) -> Result<String> {
    let request = Request::get("credentials/signurl")
        .query("lifetime", wanted.lifetime.to_string())
        .query("rse", wanted.rse)
        .query("svc", wanted.service)
        .query("op", wanted.operation)
        .query("url", wanted.url);
    let answer = client.answer(&client.settings().rucio_host, &request).await?;
    if answer.status() == StatusCode::INTERNAL_SERVER_ERROR && is_prose(answer.headers()) {
        let complaint = text(answer).await?;
        let complaint: String = complaint.trim().chars().take(QUOTED).collect();
        let details = format!("The server cannot sign for {} on {}: {complaint}", wanted.service, wanted.rse);
        return Err(Error::new(Exception::ErrorLoadingCredentials, details));
    }
    Ok(text(checked(answer).await?).await?.trim().to_owned())
}

/// Whether an error is none of Rucio's own, but one of Python that nobody caught.
fn is_prose(headers: &HeaderMap) -> bool {
    !headers.contains_key("ExceptionClass")
}
