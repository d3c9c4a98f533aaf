//! `/auth`, as far as it is no login: what the server says of a token.

use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::http::{Client, Raw, Request};
use crate::secret::Secret;
use crate::types::{Validation, python};

/// Asks the authentication server whose token this is and until when it is valid: `GET /auth/validate`.
///
/// # Errors
/// `CannotAuthenticate` for a token it does not accept.
pub async fn validate(client: &Client, token: &Secret) -> Result<Raw<Validation>> {
    let request = Request::get("auth/validate").header("x-rucio-auth-token", token.expose());
    let text = client.authentication_text(request).await.map_err(plainly)?;
    // The answer is the text of a Python dict.
    let said = python::literal(&text).and_then(|said| serde_json::from_value(said).ok());
    said.ok_or_else(|| {
        let details = "The server's answer to GET /auth/validate is not what was asked for; is this a Rucio auth_host?";
        Error::new(Exception::RucioException, details)
    })
}

/// The server explains a refusal by the trace of an exception there was not: `NoneType: None`.
fn plainly(error: Error) -> Error {
    match error {
        Error::Rucio(mut refusal) if refusal.class == Exception::CannotAuthenticate => {
            if ["NoneType: None", "Traceback "].iter().any(|start| refusal.details.starts_with(start)) {
                refusal.details = "The server does not know this token, or it has ended.".to_owned();
            }
            Error::Rucio(refusal)
        }
        other => other,
    }
}
