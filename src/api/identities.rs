//! `/identities`: identities and their accounts.

use crate::error::Result;
use crate::http::{Client, Request, segment};

/// Lists the accounts an identity may use: `GET /identities/accounts`, before Rucio 39
/// `GET /identities/<identity>/<type>/accounts`. The type is `X509`, `GSS`, `USERPASS`, `SSH` or `OIDC`.
pub(crate) async fn accounts(client: &Client, identity: &str, identity_type: &str) -> Result<Vec<String>> {
    let request = Request::get("identities/accounts").query("identity_key", identity).query("type", identity_type);
    match client.json(request.since(39)).await {
        Err(error) if error.is_unknown_call() => {
            let path = format!("identities/{}/{}/accounts", segment(identity), segment(identity_type));
            // The old call cannot take an identity with slashes: then the first error says which version can.
            client.json(Request::get(path)).await.map_err(|old| if old.is_unknown_call() { error } else { old })
        }
        accounts => accounts,
    }
}
