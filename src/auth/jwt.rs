//! JSON web tokens (RFC 7519), limited to the claims that a client reads: expiry, audience, scopes. No signature is
//! verified here; the server does that.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize};

/// The claims of a token.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    /// The issuer: an identity provider.
    #[serde(default)]
    pub iss: Option<String>,
    /// The subject: the provider's name for the identity.
    #[serde(default)]
    pub sub: Option<String>,
    /// Expiry, in seconds since 1970, UTC.
    #[serde(default, deserialize_with = "seconds")]
    pub exp: Option<i64>,
    /// Issue time, in seconds since 1970, UTC.
    #[serde(default, deserialize_with = "seconds")]
    pub iat: Option<i64>,
    /// Start of validity, in seconds since 1970, UTC.
    #[serde(default, deserialize_with = "seconds")]
    pub nbf: Option<i64>,
    /// The audiences.
    #[serde(default, deserialize_with = "one_or_many")]
    pub aud: Vec<String>,
    /// The scopes, separated by blanks.
    #[serde(default)]
    pub scope: Option<String>,
}

impl Claims {
    /// Parses the claims of a token; `None` if it is not a JSON web token.
    pub(crate) fn parse(token: &str) -> Option<Self> {
        let mut parts = token.split('.');
        let (Some(_), Some(claims), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            return None;
        };
        let json = URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
        json.starts_with(b"{").then(|| serde_json::from_slice(&json).ok())?
    }
}

/// Reads a date, which may have a fraction (RFC 7519, 2).
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    Ok(Option::<f64>::deserialize(deserializer)?.map(|seconds| seconds as i64))
}

/// Reads an audience: one text or a list of them (RFC 7519, 4.1.3).
fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Audience {
        One(String),
        Many(Vec<String>),
    }
    Ok(match Audience::deserialize(deserializer)? {
        Audience::One(audience) => vec![audience],
        Audience::Many(audiences) => audiences,
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// Returns a token with these claims and a dummy signature.
    pub(crate) fn token(claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.c2lnbmF0dXJl", part(&json!({"alg": "RS256"})), part(claims))
    }

    #[test]
    fn jwt_claims_are_read() {
        let claims =
            json!({"iss": "https://idp", "sub": "kim", "exp": 1_795_000_000.5, "aud": "rucio", "scope": "openid"});
        let claims = Claims::parse(&token(&claims)).unwrap();
        assert_eq!(
            (claims.exp, claims.sub.as_deref(), claims.aud),
            (Some(1_795_000_000), Some("kim"), vec!["rucio".into()])
        );
        let several = Claims::parse(&token(&json!({"aud": ["a", "b"]}))).unwrap();
        assert_eq!((several.aud.len(), several.exp, several.scope), (2, None, None));
    }

    #[test]
    fn jwt_claims_are_none_for_other_tokens() {
        for token in ["", "a.b", "a.b.c", "jdoe-jdoe-unknown-0123", "a.b.c.d", "e30.W10.x"] {
            assert_eq!(Claims::parse(token), None, "{token}");
        }
    }
}
