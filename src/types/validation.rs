//! Validity of a token, as reported by the server.

use chrono::DateTime;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Response of `GET /auth/validate`.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct Validation {
    /// Account of the token.
    pub account: String,
    /// Identity that logged in: a user name, certificate subject, `SUB=..., ISS=...`. The server does not store it for
    /// logins by SSH key or Kerberos.
    #[serde(default)]
    pub identity: Option<String>,
    /// Expiry time in RFC 3339 format, UTC.
    #[serde(default)]
    pub lifetime: Option<String>,
    /// Audience, if given: a string or a list.
    #[serde(default)]
    pub audience: Value,
    /// Scopes of the token, if given: a string or a list.
    #[serde(default)]
    pub authz_scope: Value,
    /// VO.
    #[serde(default)]
    pub vo: Option<String>,
}

impl Validation {
    /// Returns the expiry time in seconds since 1970, UTC.
    pub fn expires(&self) -> Option<i64> {
        DateTime::parse_from_rfc3339(self.lifetime.as_deref()?).ok().map(|date| date.timestamp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_expiry_is_read_from_the_date() {
        let said: Validation =
            serde_json::from_str(r#"{"account": "a", "identity": "i", "lifetime": "1970-01-01T00:01:00.5Z"}"#).unwrap();
        assert_eq!((said.expires(), said.vo, said.audience), (Some(60), None, Value::Null));
    }
}
