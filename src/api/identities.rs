//! `/identities`: who logs in, whatever the account.

use crate::error::Result;
use crate::http::{Client, Request};

/// The accounts an identity may act as: `GET /identities/accounts`. The type is one of `X509`, `GSS`, `USERPASS`, `SSH`
/// and `OIDC`.
pub async fn accounts(client: &Client, identity: &str, identity_type: &str) -> Result<Vec<String>> {
    let request = Request::get("identities/accounts").query("identity_key", identity).query("type", identity_type);
    client.json(request).await
}
