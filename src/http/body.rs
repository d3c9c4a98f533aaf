//! Reading an answer's body. A server can send more than this machine has memory for, by mistake or on purpose.

use reqwest::Response;

use super::transport_error;
use crate::error::{Error, Result};
use crate::exceptions::Exception;

/// The longest answer that is read as a whole, in bytes: a value of JSON, a text. Lists have no limit, but their lines.
const LONGEST: usize = 64 << 20;
/// How much of an error answer is read, in bytes.
const LONGEST_REFUSAL: usize = 1 << 20;

/// The whole body.
///
/// Errors: `ServerConnectionException` if it breaks off, `RucioException` if it is longer than 64 MiB.
pub(super) async fn whole(mut response: Response) -> Result<Vec<u8>> {
    if response.content_length().is_some_and(|length| length > LONGEST as u64) {
        return Err(too_long(&response));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(transport_error)? {
        if body.len() + chunk.len() > LONGEST {
            return Err(too_long(&response));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The whole body as text.
pub(crate) async fn text(response: Response) -> Result<String> {
    let body = whole(response).await?;
    Ok(String::from_utf8(body).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

/// What there is of the body of an error answer, up to 1 MiB: that it breaks off is not the failure to speak of.
pub(super) async fn beginning(mut response: Response) -> Vec<u8> {
    let mut body = Vec::new();
    while body.len() < LONGEST_REFUSAL
        && let Ok(Some(chunk)) = response.chunk().await
    {
        body.extend_from_slice(&chunk[..chunk.len().min(LONGEST_REFUSAL - body.len())]);
    }
    body
}

/// Refuses a line of a list that is longer than any answer may be.
pub(super) fn require_short(line: usize, response: &Response) -> Result<()> {
    if line > LONGEST { Err(too_long(response)) } else { Ok(()) }
}

fn too_long(response: &Response) -> Error {
    let place = response.url().origin().ascii_serialization();
    let details = format!("{place} sends more than {} MiB where an answer should be.", LONGEST >> 20);
    Error::new(Exception::RucioException, details)
        .with_hint("If this is a Rucio server ([client] rucio_host, or -H), tell its administrators.")
}

/// Whether what answered is no HTTP, or has longer headers than anybody's.
pub(super) fn is_nonsense(error: &reqwest::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        if error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse) {
            return true;
        }
        source = error.source();
    }
    false
}
