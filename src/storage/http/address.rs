//! Parsing of PFNs as URLs.

use std::net::IpAddr;

use reqwest::header::HeaderValue;
use url::{Host, Url};

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

/// Resolves the target of a redirect. A storage elsewhere cannot lead to services of this machine, nor of its link: the
/// metadata service of a cloud is there.
pub(super) fn target(from: &Url, location: &HeaderValue) -> Result<Url> {
    let location = std::str::from_utf8(location.as_bytes()).map_err(|error| bad("redirection", &error.to_string()))?;
    let target = from.join(location).map_err(|error| bad(location, &error.to_string()))?;
    if is_local(&target) && !is_local(from) {
        let from = from.host_str().unwrap_or_default();
        return Err(bad(target.as_str(), &format!("{from} may not redirect to this machine or its link")));
    }
    url(&target.as_str().into())
}

/// Returns whether the address is one of this machine (loopback) or link-local. Names other than `localhost` are not looked
/// up.
pub(in crate::storage) fn is_local(url: &Url) -> bool {
    let ip = match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            return name == "localhost" || name.ends_with(".localhost");
        }
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip),
        Some(Host::Ipv6(ip)) => ip.to_canonical(),
        None => return false,
    };
    let is_link_local = match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    ip.is_loopback() || ip.is_unspecified() || is_link_local
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
    fn http_redirects_from_elsewhere_do_not_lead_to_this_machine() {
        let to = |from: &str, location: &'static str| {
            target(&Url::parse(from).unwrap(), &HeaderValue::from_static(location)).is_ok()
        };
        for local in [
            "http://127.0.0.1:8080/x",
            "http://127.1/x",
            "http://2130706433/x",
            "http://0.0.0.0/x",
            "http://169.254.169.254/latest/meta-data",
            "http://[::1]/x",
            "http://[::ffff:127.0.0.1]/x",
            "http://[fe80::1]/x",
            "http://localhost/x",
            "http://LOCALHOST./x",
            "http://a.localhost/x",
        ] {
            assert!(!to("https://door.example/f", local), "{local}");
            assert!(to("https://localhost/f", local), "{local}");
            assert!(to("https://[::1]/f", local), "{local}");
        }
        for elsewhere in [
            "/f?x",
            "https://pool.example/f",
            "https://10.0.0.1/f",
            "https://[2001:db8::1]/f",
            "https://localhost.example/f",
        ] {
            assert!(to("https://door.example/f", elsewhere), "{elsewhere}");
        }
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
