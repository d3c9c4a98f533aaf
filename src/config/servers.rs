//! Checks of server URLs.

use crate::{Error, Result, exceptions::Exception};

/// The end of the official messages about the protocol of a server.
const ALLOWED: &str = "Allowed protocols: http, https";

/// Returns the URL without trailing slashes, if it is valid.
pub(super) fn checked(address: &str, option: &str) -> Result<String> {
    let Some((scheme, _)) = address.split_once("://") else {
        let details =
            format!("'{address}'. {ALLOWED}\n{option} is '{address}', which does not start with https:// or http://.");
        return Err(Error::new(Exception::ClientProtocolNotFound, details)
            .with_hint(format!("Write it as https://{}.", address.trim_start_matches('/'))));
    };
    if !["http", "https"].contains(&scheme.to_ascii_lowercase().as_str()) {
        let details = format!(
            "'{scheme}' not supported when connecting to host '{address}'. {ALLOWED}\n{option} is '{address}'."
        );
        return Err(Error::new(Exception::ClientProtocolNotSupported, details).with_hint("Use https:// or http://."));
    }
    if let Err(error) = url::Url::parse(address) {
        let details = format!("{option} is '{address}', which is not a URL: {error}.");
        return Err(Error::new(Exception::ConfigurationError, details)
            .with_hint("Write it like https://rucio.example.org:443."));
    }
    Ok(address.trim_end_matches('/').to_owned())
}

/// Whether the URL is reached over TLS.
pub(super) fn is_https(address: &str) -> bool {
    address.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("https://"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_address_needs_http_or_https() {
        for (address, class) in [
            ("rucio.example.org:443", Exception::ClientProtocolNotFound),
            ("127.0.0.1", Exception::ClientProtocolNotFound),
            ("ftp://rucio.example.org", Exception::ClientProtocolNotSupported),
            ("https://", Exception::ConfigurationError),
            ("https://a b", Exception::ConfigurationError),
        ] {
            let error = checked(address, "rucio_host").unwrap_err();
            assert_eq!(error.class(), Some(class), "{address}");
            assert!(error.to_string().contains(address) && !error.hints().is_empty());
        }
        assert_eq!(checked("HTTPS://rucio.example.org:443/", "rucio_host").unwrap(), "HTTPS://rucio.example.org:443");
        assert!(is_https("HTTPS://x") && !is_https("http://x") && !is_https("https"));
    }
}
