//! What the server says of a token.

use chrono::DateTime;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The answer of `GET /auth/validate`.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct Validation {
    /// The account it acts as.
    pub account: String,
    /// Who logged in: a user name, the subject of a certificate, `SUB=..., ISS=...`. Of logins by SSH key and Kerberos the
    /// server keeps none.
    #[serde(default)]
    pub identity: Option<String>,
    /// When it ends, in the form of RFC 3339, UTC.
    #[serde(default)]
    pub lifetime: Option<String>,
    /// Whom it is meant for, if it says so: a text or a list.
    #[serde(default)]
    pub audience: Value,
    /// What it allows, if it says so: a text or a list.
    #[serde(default)]
    pub authz_scope: Value,
    /// The VO.
    #[serde(default)]
    pub vo: Option<String>,
}

impl Validation {
    /// When it ends, in seconds since 1970, UTC.
    pub fn expires(&self) -> Option<i64> {
        DateTime::parse_from_rfc3339(self.lifetime.as_deref()?).ok().map(|date| date.timestamp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_read_from_the_date() {
        let said: Validation =
            serde_json::from_str(r#"{"account": "a", "identity": "i", "lifetime": "1970-01-01T00:01:00.5Z"}"#).unwrap();
        assert_eq!((said.expires(), said.vo, said.audience), (Some(60), None, Value::Null));
    }
}
