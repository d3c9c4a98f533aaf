//! `/identities`: identities and their accounts.

use crate::error::Result;
use crate::http::{Client, Request};

/// Lists the accounts an identity may use: `GET /identities/accounts`. The type is `X509`, `GSS`, `USERPASS`, `SSH` or
/// `OIDC`.
pub(crate) async fn accounts(client: &Client, identity: &str, identity_type: &str) -> Result<Vec<String>> {
    let request = Request::get("identities/accounts").query("identity_key", identity).query("type", identity_type);
    client.json(request).await
}
