//! JSON web tokens (RFC 7519), as far as a client looks into them: until when, for whom, what for. Nothing here
//! verifies a signature; that is the server's.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize};

/// What a token says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The identity provider.
    #[serde(default)]
    pub iss: Option<String>,
    /// The identity, by the provider's name for it.
    #[serde(default)]
    pub sub: Option<String>,
    /// When it ends, in seconds since 1970, UTC.
    #[serde(default, deserialize_with = "seconds")]
    pub exp: Option<i64>,
    /// When it was made, in seconds since 1970, UTC.
    #[serde(default, deserialize_with = "seconds")]
    pub iat: Option<i64>,
    /// From when on it is valid, in seconds since 1970, UTC.
    #[serde(default, deserialize_with = "seconds")]
    pub nbf: Option<i64>,
    /// Whom it is meant for.
    #[serde(default, deserialize_with = "one_or_many")]
    pub aud: Vec<String>,
    /// What it allows, separated by blanks.
    #[serde(default)]
    pub scope: Option<String>,
}

impl Claims {
    /// Reads the claims of a token, if it is a JSON web token.
    pub fn of(token: &str) -> Option<Self> {
        let mut parts = token.split('.');
        let (Some(_), Some(claims), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            return None;
        };
        let json = URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
        json.starts_with(b"{").then(|| serde_json::from_slice(&json).ok())?
    }
}

/// Dates may be written with a fraction (RFC 7519, 2).
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    Ok(Option::<f64>::deserialize(deserializer)?.map(|seconds| seconds as i64))
}

/// An audience is one text or a list of them (RFC 7519, 4.1.3).
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

    /// A token with these claims and a signature that nobody verifies.
    pub(crate) fn token(claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.c2lnbmF0dXJl", part(&json!({"alg": "RS256"})), part(claims))
    }

    #[test]
    fn claims_are_read() {
        let claims =
            json!({"iss": "https://idp", "sub": "kim", "exp": 1_795_000_000.5, "aud": "rucio", "scope": "openid"});
        let claims = Claims::of(&token(&claims)).unwrap();
        assert_eq!(
            (claims.exp, claims.sub.as_deref(), claims.aud),
            (Some(1_795_000_000), Some("kim"), vec!["rucio".into()])
        );
        let several = Claims::of(&token(&json!({"aud": ["a", "b"]}))).unwrap();
        assert_eq!((several.aud.len(), several.exp, several.scope), (2, None, None));
    }

    #[test]
    fn other_tokens_have_none() {
        for token in ["", "a.b", "a.b.c", "jdoe-jdoe-unknown-0123", "a.b.c.d", "e30.W10.x"] {
            assert_eq!(Claims::of(token), None, "{token}");
        }
    }
}
