//! Accounts: what they own, use and may use.

use serde::Deserialize;
use serde_json::Value;

/// A row of `GET /scopes/owner`.
#[derive(Debug, Clone, Deserialize)]
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
