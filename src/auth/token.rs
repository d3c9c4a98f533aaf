//! A token with its expiry and its source.

use std::path::PathBuf;

use reqwest::Response;

use super::Claims;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::hint::{Hint, Parameter};
use crate::http::checked;
use crate::secret::Secret;
use crate::time::server_date;

/// The source of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TokenSource {
    /// The environment variable of this name.
    Variable(&'static str),
    /// A file of another program (WLCG bearer token discovery).
    File(PathBuf),
    /// The token cache, shared with the official client.
    Cache(PathBuf),
    /// A login of this process.
    Login,
}

impl std::fmt::Display for TokenSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Variable(name) => write!(f, "the variable {name}"),
            Self::File(path) => write!(f, "{} (of another program)", path.display()),
            Self::Cache(path) => write!(f, "{}", path.display()),
            Self::Login => f.write_str("a login just now"),
        }
    }
}

/// Returns the hint for a login that succeeds without returning a token.
fn not_rucio() -> Hint {
    Hint::parameters("Check that this is the address of a Rucio server", [Parameter::AuthHost])
}

/// Maximum length of a token, in bytes. Servers limit headers to 8 KiB by default, so no token is that long.
const LONGEST: usize = 32 << 10;

/// A Rucio token, its expiry (seconds since 1970, UTC) if known, and its source.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) value: Secret,
    pub(super) expires: Option<i64>,
    pub(super) source: TokenSource,
    /// The user name or the subject of the certificate that it was obtained with, if that is known.
    pub(super) identity: Option<String>,
    /// Earliest time of the next renewal, in seconds since 1970, UTC.
    pub(super) renew_after: i64,
}

impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Token {
    /// Creates a token. Without `expires`, the `exp` claim of a JSON web token is used.
    pub(super) fn new(value: &str, expires: Option<i64>) -> Self {
        let expires = expires.or_else(|| Claims::parse(value)?.exp);
        Self { value: Secret::from(value), expires, source: TokenSource::Login, identity: None, renew_after: 0 }
    }

    pub(super) fn from(self, source: TokenSource) -> Self {
        Self { source, ..self }
    }

    pub(super) fn of_identity(self, identity: Option<String>) -> Self {
        Self { identity, ..self }
    }

    /// Whether another program wrote it.
    pub(super) fn is_external(&self) -> bool {
        matches!(self.source, TokenSource::Variable(_) | TokenSource::File(_))
    }

    /// Returns the token itself, for a header.
    pub(super) fn expose(&self) -> &str {
        self.value.expose()
    }

    /// Reads the token from a response of the authentication API.
    pub(super) async fn from_response(response: Response) -> Result<Self> {
        let response = checked(response).await?;
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        let value = header("x-rucio-auth-token").filter(|token| !token.is_empty()).ok_or_else(|| {
            Error::new(Exception::CannotAuthenticate, "The server's answer contains no token.").with_hint(not_rucio())
        })?;
        if value.len() > LONGEST || value.contains(char::is_control) {
            let details = format!("The server's answer contains {} bytes that are not a token.", value.len());
            return Err(Error::new(Exception::CannotAuthenticate, details).with_hint(not_rucio()));
        }
        Ok(Self::new(value, header("x-rucio-auth-token-expires").and_then(parse_expiry)))
    }
}

/// Parses an expiry: `Sun, 22 Nov 2026 05:46:57 UTC`, or seconds since 1970 as sent by the OIDC refresh.
fn parse_expiry(text: &str) -> Option<i64> {
    let text = text.trim();
    server_date(text).map(|date| date.and_utc().timestamp()).or_else(|| text.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expiry_dates_are_read_in_both_forms() {
        assert_eq!(parse_expiry("Thu, 01 Jan 1970 00:01:00 UTC"), Some(60));
        assert_eq!(parse_expiry("1795326417"), Some(1_795_326_417));
        assert_eq!(parse_expiry("soon"), None);
    }

    #[test]
    fn token_is_never_printed() {
        assert!(!format!("{:?}", Token::new("jdoe-secret-token", None)).contains("secret"));
    }
}
