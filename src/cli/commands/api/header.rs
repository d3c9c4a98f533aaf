//! Request headers.

use reqwest::header::{HeaderName, HeaderValue};

/// Headers that `--header` cannot set: the token belongs to account and server, the others to the connection.
const OURS: [&str; 5] = ["x-rucio-auth-token", "connection", "content-length", "host", "transfer-encoding"];

/// Parses `Name: value`. Errors: it is malformed, or one of `OURS`.
pub(super) fn parse(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("no colon: expected 'Name: value'")?;
    let name: HeaderName = name.trim().parse().map_err(|_| format!("'{}' is not a valid header name", name.trim()))?;
    if name == OURS[0] {
        return Err("the token cannot be overridden: select another session with --account or --profile".to_owned());
    }
    if OURS.contains(&name.as_str()) {
        return Err(format!("{name} is set automatically and cannot be overridden"));
    }
    let mut value =
        HeaderValue::from_bytes(value.trim().as_bytes()).map_err(|_| format!("invalid value for {name}"))?;
    value.set_sensitive(true);
    Ok((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn api_headers_are_parsed() {
        let (name, value) = parse("X-Rucio-Account:  jdoe ").unwrap();
        assert_eq!((name.as_str(), value.to_str().unwrap()), ("x-rucio-account", "jdoe"));
        assert_eq!(parse("Accept:").unwrap().1, "");
        for wrong in ["Accept", "a b: c", ": c", "A: b\nC: d"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn api_headers_cannot_set_token_or_framing() {
        for name in ["X-Rucio-Auth-Token", "x-rucio-auth-token", "Host", "Content-Length", "Transfer-Encoding"] {
            assert!(parse(&format!("{name}: 1")).is_err(), "{name}");
        }
    }
}
