//! Parsing of PFNs as URLs.

use reqwest::header::HeaderValue;
use url::Url;

use crate::storage::pfn::has_signature;
use crate::storage::{Pfn, Result, StorageError, StorageErrorKind};

/// Parses a PFN; `davs` and `dav` become `https` and `http`.
pub(super) fn url(pfn: &Pfn) -> Result<Url> {
    let url = Url::parse(&pfn.canonical()).map_err(|error| bad(pfn.as_str(), &error.to_string()))?;
    match url.scheme() {
        "https" | "http" => Ok(url),
        other => Err(bad(pfn.as_str(), &format!("{other} is not HTTP"))),
    }
}

/// Resolves the target of a redirect.
pub(super) fn target(from: &Url, location: &HeaderValue) -> Result<Url> {
    let location = std::str::from_utf8(location.as_bytes()).map_err(|error| bad("redirection", &error.to_string()))?;
    let target = from.join(location).map_err(|error| bad(location, &error.to_string()))?;
    url(&target.as_str().into())
}

/// Returns whether the URL is presigned. Then no other credential may be sent: S3 rejects two authentication methods at
/// once.
pub(super) fn is_signed(url: &Url) -> bool {
    url.query().is_some_and(has_signature)
}

fn bad(pfn: &str, why: &str) -> StorageError {
    StorageError::new(StorageErrorKind::Refused, format!("{pfn:?} is not a usable address: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_address_of_webdav_is_http() {
        for (pfn, expected) in [
            ("davs://h:443/a/b", "https://h/a/b"),
            ("davs://h:8443//a", "https://h:8443//a"),
            ("dav://h/a b", "http://h/a%20b"),
            ("https://h/a?x=1", "https://h/a?x=1"),
        ] {
            assert_eq!(url(&pfn.into()).unwrap().as_str(), expected);
        }
        for pfn in ["root://h//a", "https://", "https", ""] {
            assert_eq!(url(&pfn.into()).unwrap_err().kind, StorageErrorKind::Refused, "{pfn}");
        }
    }

    #[test]
    fn http_redirects_are_resolved_and_stay_with_http() {
        let from = Url::parse("https://h/a/b").unwrap();
        let to = |location: &'static str| target(&from, &HeaderValue::from_static(location)).map(|url| url.to_string());
        assert_eq!(to("../c").unwrap(), "https://h/c");
        assert_eq!(to("https://pool:1094/x?t=1").unwrap(), "https://pool:1094/x?t=1");
        assert!(to("file:///etc/passwd").is_err());
    }

    #[test]
    fn http_addresses_that_are_signed_are_recognised() {
        for (address, signed) in [
            ("https://s3/b/k?X-Amz-Algorithm=A&X-Amz-Signature=00", true),
            ("https://storage.googleapis.com/b/k?GoogleAccessId=a&Expires=1&Signature=00", true),
            ("https://swift/v1/a/c/o?temp_url_sig=00&temp_url_expires=1", true),
            ("https://dcache/f?authz=MDAx", true),
            ("https://h/f?download=1", false),
            ("https://h/signature", false),
        ] {
            assert_eq!(is_signed(&Url::parse(address).unwrap()), signed, "{address}");
        }
    }
}
