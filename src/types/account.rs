//! Accounts with their identities, scopes, limits and usage.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A row of `GET /accounts/`.
#[derive(Debug, Clone, Deserialize)]
pub struct AccountRow {
    /// Name.
    pub account: String,
}

/// A row of `GET /accounts/<account>/identities`.
#[derive(Debug, Clone, Deserialize)]
pub struct Identity {
    /// User name, certificate subject, ...
    pub identity: String,
    /// `X509`, `GSS`, `USERPASS`, `SSH` or `OIDC`.
    #[serde(rename = "type")]
    pub identity_type: String,
}

/// An identity to add to an account (`POST /accounts/<account>/identities`). The field names are the server's.
#[derive(Debug, Clone, Serialize)]
pub struct NewIdentity<'a> {
    /// User name, certificate subject, ...
    pub identity: &'a str,
    /// `X509`, `GSS`, `USERPASS`, `SSH` or `OIDC`.
    pub authtype: &'a str,
    /// Whether this account is the default of the identity.
    pub default: bool,
    /// Email address for notifications.
    pub email: &'a str,
    /// Password, for `USERPASS`.
    pub password: Option<&'a str>,
}

/// A row of `GET /scopes/owner/`.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct ScopeOwner {
    /// Scope.
    pub scope: String,
    /// Owner of the scope.
    pub account: String,
}

/// A row of `GET /accounts/<account>/usage/local`. Byte counts are numbers or `"inf"`.
#[derive(Debug, Clone, Deserialize)]
pub struct LocalUsage {
    /// RSE.
    pub rse: String,
    /// Used bytes.
    pub bytes: Value,
    /// Limit in bytes.
    pub bytes_limit: Value,
    /// Remaining bytes; negative above the limit.
    pub bytes_remaining: Value,
}

/// A row of `GET /accounts/<account>/usage/global`. Byte counts are numbers or `"inf"`.
#[derive(Debug, Clone, Deserialize)]
pub struct GlobalUsage {
    /// RSE expression.
    pub rse_expression: String,
    /// Used bytes.
    pub bytes: Value,
    /// Limit in bytes.
    pub bytes_limit: Value,
    /// Remaining bytes; negative above the limit.
    pub bytes_remaining: Value,
}

/// A limit for all RSEs of an expression (`GET /accounts/<account>/limits/global`).
#[derive(Debug, Clone, Deserialize)]
pub struct GlobalLimit {
    /// Limit in bytes: a number or `"inf"`.
    pub limit: Value,
    /// RSEs that match the expression.
    #[serde(default)]
    pub resolved_rses: Vec<String>,
}
