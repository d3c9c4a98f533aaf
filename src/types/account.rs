//! Accounts: what they own, use and may use.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A row of `GET /accounts/`.
#[derive(Debug, Clone, Deserialize)]
pub struct AccountRow {
    /// Its name.
    pub account: String,
}

/// A row of `GET /accounts/<account>/identities`.
#[derive(Debug, Clone, Deserialize)]
pub struct Identity {
    /// What one logs in with: a user name, the subject of a certificate, ...
    pub identity: String,
    /// `X509`, `GSS`, `USERPASS`, `SSH` or `OIDC`.
    #[serde(rename = "type")]
    pub identity_type: String,
}

/// An identity to be let in (`POST /accounts/<account>/identities`). The field names are the server's.
#[derive(Debug, Clone, Serialize)]
pub struct NewIdentity<'a> {
    /// What one logs in with.
    pub identity: &'a str,
    /// `X509`, `GSS`, `USERPASS`, `SSH` or `OIDC`.
    pub authtype: &'a str,
    /// Whether it stands for this account where no account is named.
    pub default: bool,
    /// Where mail about it goes.
    pub email: &'a str,
    /// For `USERPASS`.
    pub password: Option<&'a str>,
}

/// A row of `GET /scopes/owner`.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct ScopeOwner {
    /// The scope.
    pub scope: String,
    /// Its owner.
    pub account: String,
}

/// A row of `GET /accounts/<account>/usage/local`. Bytes may be numbers or `"inf"`.
#[derive(Debug, Clone, Deserialize)]
pub struct LocalUsage {
    /// The RSE.
    pub rse: String,
    /// Bytes in use.
    pub bytes: Value,
    /// Bytes allowed.
    pub bytes_limit: Value,
    /// Bytes left; negative if over the limit.
    pub bytes_remaining: Value,
}

/// A row of `GET /accounts/<account>/usage/global`. Bytes may be numbers or `"inf"`.
#[derive(Debug, Clone, Deserialize)]
pub struct GlobalUsage {
    /// The RSE expression.
    pub rse_expression: String,
    /// Bytes in use.
    pub bytes: Value,
    /// Bytes allowed.
    pub bytes_limit: Value,
    /// Bytes left; negative if over the limit.
    pub bytes_remaining: Value,
}

/// A limit over all RSEs of an expression (`GET /accounts/<account>/limits/global`).
#[derive(Debug, Clone, Deserialize)]
pub struct GlobalLimit {
    /// Bytes allowed; a number or `"inf"`.
    pub limit: Value,
    /// The RSEs the expression means.
    #[serde(default)]
    pub resolved_rses: Vec<String>,
}
