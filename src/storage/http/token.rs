//! A bearer token for storages, and which of them it is for.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::HeaderValue;
use url::Url;

use crate::secret::Secret;

/// Audiences that mean every service.
const FOR_ALL: [&str; 2] = ["https://wlcg.cern.ch/jwt/v1/any", "ANY"];

/// Beginning of the `Authorization` header.
const SCHEME: &str = "Bearer ";
/// Characters of tokens that have a meaning in parameters.
const TO_ENCODE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A token with its audiences.
#[derive(Debug, Clone)]
pub struct StorageToken {
    /// Value of the `Authorization` header, marked as sensitive.
    header: HeaderValue,
    audiences: Vec<String>,
}

impl StorageToken {
    /// Creates it from a token and its claim `aud`; `None` if the token cannot be sent in a header.
    pub fn new(token: &Secret, audiences: Vec<String>) -> Option<Self> {
        let mut header = HeaderValue::from_str(&format!("{SCHEME}{}", token.expose())).ok()?;
        header.set_sensitive(true);
        Some(Self { header, audiences })
    }

    /// Returns the token for this storage: the first that names it, else the first that names no host.
    pub(in crate::storage) fn choose<'a>(tokens: &'a [Self], storage: &Url) -> Option<&'a Self> {
        let named = tokens.iter().find(|token| token.audiences.iter().any(|audience| names(audience, storage)));
        named.or_else(|| tokens.iter().find(|token| token.is_for_any_host()))
    }

    /// Returns the value of the `Authorization` header.
    pub(super) fn header(&self) -> &HeaderValue {
        &self.header
    }

    /// Returns the token itself.
    pub(in crate::storage) fn bearer(&self) -> &str {
        self.header.to_str().ok().and_then(|value| value.strip_prefix(SCHEME)).unwrap_or_default()
    }

    /// Returns the token as the value of a parameter `authz`.
    pub(in crate::storage) fn as_parameter(&self) -> String {
        format!("Bearer%20{}", utf8_percent_encode(self.bearer(), TO_ENCODE))
    }

    /// Whether no audience limits it to certain hosts. A name such as `rucio` does not: what it means is agreed upon
    /// between the sites.
    fn is_for_any_host(&self) -> bool {
        self.audiences.iter().any(|audience| FOR_ALL.contains(&audience.as_str()))
            || !self.audiences.iter().any(|audience| is_host(audience))
    }
}

/// Whether an audience is a URL, or the name of a host with a domain or a port.
fn is_host(audience: &str) -> bool {
    Url::parse(audience).is_ok_and(|url| url.has_host()) || audience.contains(['.', ':'])
}

/// Whether an audience is this storage: by URL, by host and port, or by host. A URL has the port 443 unless it states
/// another, a bare host means all ports.
fn names(audience: &str, storage: &Url) -> bool {
    match Url::parse(audience) {
        Ok(url) if url.has_host() => {
            let same_port = url.port_or_known_default().or(Some(443)) == storage.port_or_known_default();
            same_port && url.host_str().unwrap_or_default().eq_ignore_ascii_case(storage.host_str().unwrap_or_default())
        }
        _ => {
            let host = storage.host_str().unwrap_or_default();
            let with_port = format!("{host}:{}", storage.port_or_known_default().unwrap_or_default());
            audience.eq_ignore_ascii_case(host) || audience.eq_ignore_ascii_case(&with_port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(tokens: &[(&str, &[&str])], storage: &str) -> Option<String> {
        let token = |(name, audiences): &(&str, &[&str])| {
            StorageToken::new(&Secret::from(*name), audiences.iter().map(|one| (*one).to_owned()).collect()).unwrap()
        };
        let tokens: Vec<_> = tokens.iter().map(token).collect();
        StorageToken::choose(&tokens, &Url::parse(storage).unwrap()).map(|token| token.bearer().to_owned())
    }

    #[test]
    fn storage_token_is_for_its_audience() {
        let storage = "https://se.example.org:1094/f";
        for (audiences, is_for_it) in [
            (&[][..], true),
            (&["rucio"], true),
            (&["https://wlcg.cern.ch/jwt/v1/any"], true),
            (&["ANY", "https://other.example.org"], true),
            (&["https://se.example.org:1094"], true),
            (&["https://se.example.org:1094/path"], true),
            (&["roots://se.example.org:1094"], true),
            (&["https://SE.example.org:1094/"], true),
            (&["se.example.org"], true),
            (&["se.example.org:1094"], true),
            (&["rucio", "se.example.org"], true),
            (&["https://se.example.org"], false),
            (&["https://se.example.org:8443"], false),
            (&["se.example.org:8443"], false),
            (&["https://other.example.org:1094"], false),
            (&["other.example.org"], false),
            (&["rucio", "https://rucio.example.org"], false),
            (&["https://se.example.org.evil.example:1094"], false),
        ] {
            assert_eq!(chosen(&[("a", audiences)], storage).is_some(), is_for_it, "{audiences:?}");
        }
        assert!(chosen(&[("a", &["https://se.example.org"])], "https://se.example.org/f").is_some());
    }

    #[test]
    fn storage_token_that_names_the_storage_is_preferred() {
        let tokens: &[(&str, &[&str])] =
            &[("any", &[]), ("other", &["https://other.example.org"]), ("own", &["https://se.example.org"])];
        assert_eq!(chosen(tokens, "https://se.example.org/f").as_deref(), Some("own"));
        assert_eq!(chosen(tokens, "https://third.example.org/f").as_deref(), Some("any"));
        assert_eq!(chosen(&tokens[1..], "https://third.example.org/f"), None);
    }
}
