//! Reads response bodies up to a size limit. A server could send more than fits in memory, by mistake or on purpose.

use reqwest::Response;

use super::transport_error;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::hint::{Hint, Parameter};

/// Maximum size of a response read as a whole, in bytes: JSON or text. Lists are unlimited, but not their lines.
const LONGEST: usize = 64 << 20;
/// Maximum size of an error response, in bytes.
const LONGEST_REFUSAL: usize = 1 << 20;

/// Reads the whole body.
///
/// Errors: `ServerConnectionException` if the transfer is interrupted, `RucioException` if the body exceeds 64 MiB.
pub(super) async fn read_all(mut response: Response) -> Result<Vec<u8>> {
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

/// Reads the whole body as text; replaces invalid UTF-8.
pub(crate) async fn text(response: Response) -> Result<String> {
    Ok(to_text(read_all(response).await?))
}

/// Converts a body to text; replaces invalid UTF-8.
pub(super) fn to_text(body: Vec<u8>) -> String {
    String::from_utf8(body).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Reads up to 1 MiB of an error response. An interrupted transfer is ignored, because the HTTP error matters more.
pub(super) async fn read_error_body(mut response: Response) -> Vec<u8> {
    let mut body = Vec::new();
    while body.len() < LONGEST_REFUSAL
        && let Ok(Some(chunk)) = response.chunk().await
    {
        body.extend_from_slice(&chunk[..chunk.len().min(LONGEST_REFUSAL - body.len())]);
    }
    body
}

/// Returns an error if a line of a list exceeds the size limit.
pub(super) fn require_short(line: usize, response: &Response) -> Result<()> {
    if line > LONGEST { Err(too_long(response)) } else { Ok(()) }
}

fn too_long(response: &Response) -> Error {
    let place = response.url().origin().ascii_serialization();
    let details = format!("{place} sends an answer of more than {} MiB.", LONGEST >> 20);
    Error::new(Exception::RucioException, details)
        .with_hint("If this is a Rucio server, tell its administrators.")
        .with_hint(Hint::parameters("Else correct the address", [Parameter::Host]))
}
