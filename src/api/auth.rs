//! `/auth`: validation of tokens. Logins are in [`crate::auth`].

use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::http::{Raw, Request, Transport};
use crate::secret::Secret;
use crate::types::{Validation, python};

/// Validates a token. Returns its account and expiry: `GET /auth/validate`.
///
/// # Errors
/// `CannotAuthenticate` if the server rejects the token.
pub(crate) async fn validate(transport: &Transport, token: &Secret) -> Result<Raw<Validation>> {
    let request = Request::get("auth/validate").header("x-rucio-auth-token", token.expose());
    let text = transport.auth_host_text(&request).await.map_err(plainly)?;
    // The response is a Python dict literal.
    let said = python::literal(&text).and_then(|said| serde_json::from_value(said).ok());
    said.ok_or_else(|| {
        let details = "Unexpected response to GET /auth/validate; is this a Rucio auth_host?";
        Error::new(Exception::RucioException, details)
    })
}

/// Replaces the server's message for a rejected token, the traceback of a missing exception: `NoneType: None`.
fn plainly(error: Error) -> Error {
    let is_traceback = ["NoneType: None", "Traceback "].iter().any(|start| error.details().starts_with(start));
    if error.class() == Some(Exception::CannotAuthenticate) && is_traceback {
        error.with_details("The server does not know this token, or it has expired.")
    } else {
        error
    }
}
