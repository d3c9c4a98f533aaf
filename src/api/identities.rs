//! `/identities`: identities and their accounts.

use crate::error::{Error, Result};
use crate::http::{Client, Request, segment};

/// Lists the accounts an identity may use: `GET /identities/accounts`, before Rucio 39
/// `GET /identities/<identity>/<type>/accounts`. The type is `X509`, `GSS`, `USERPASS`, `SSH` or `OIDC`.
pub(crate) async fn accounts(client: &Client, identity: &str, identity_type: &str) -> Result<Vec<String>> {
    let request = Request::get("identities/accounts").query("identity_key", identity).query("type", identity_type);
    match client.json(request.since(39)).await {
        Err(error) if error.is_unknown_call() => {
            let path = format!("identities/{}/{}/accounts", segment(identity), segment(identity_type));
            // The old call cannot take an identity with slashes, and fails with 500 at some servers, such as 36.5.0: then the
            // first error says which version can.
            let is_lacking = |old: &Error| old.is_unknown_call() || old.status() == Some(500);
            client.json(Request::get(path)).await.map_err(|old| if is_lacking(&old) { error } else { old })
        }
        accounts => accounts,
    }
}
