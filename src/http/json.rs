//! JSON in Python's dialect: the server sends `Infinity` and `NaN` unquoted, which is not valid JSON.

use std::borrow::Cow;

use serde::de::DeserializeOwned;

use super::tls::check_address;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::hint::Hint;

/// Parses one JSON value; unquoted `Infinity`, `-Infinity` and `NaN` become the strings that Python prints for them
/// (`"inf"`, `"-inf"`, `"nan"`).
///
/// Errors: `ServerConnectionException` for an incomplete value: the server process was killed while it sent it, and
/// mod_wsgi ends such a response like a complete one; `RucioException` for everything else that is not the expected JSON.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes)
        .or_else(|error| match quote_constants(bytes) {
            Cow::Owned(quoted) => serde_json::from_slice(&quoted),
            Cow::Borrowed(_) => Err(error),
        })
        .map_err(|error| {
            if error.is_eof() && matches!(bytes.trim_ascii_start().first(), Some(b'{' | b'[')) {
                return Error::new(Exception::ServerConnectionException, "The server's answer ends in the middle.");
            }
            let start = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
            let details = format!("The server's answer is not the expected JSON ({error}): {start}");
            let failure = Error::new(Exception::RucioException, details);
            if is_page(bytes) { failure.with_hint(unexpected_page()) } else { failure }
        })
}

/// Returns the hint for an unexpected HTML page.
pub(super) fn unexpected_page() -> Hint {
    check_address(
        "This is a web page, not an answer of Rucio. Check whether this network requires a login, and the address",
    )
}

/// Returns the hint for an HTML error page, usually from a proxy in front of Rucio.
pub(super) fn error_page() -> Hint {
    "The server or a proxy in front of it has a problem: try again later, or tell its administrators.".into()
}

/// Returns whether the response is HTML.
pub(super) fn is_page(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(b"<")
}

fn quote_constants(bytes: &[u8]) -> Cow<'_, [u8]> {
    const CONSTANTS: [(&[u8], &[u8]); 3] =
        [(b"-Infinity", br#""-inf""#), (b"Infinity", br#""inf""#), (b"NaN", br#""nan""#)];
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    let mut in_string = false;
    let mut found = false;
    while let Some(&byte) = rest.first() {
        if in_string && byte == b'\\' && rest.len() > 1 {
            out.extend_from_slice(&rest[..2]);
            rest = &rest[2..];
        } else if let Some((constant, text)) = CONSTANTS.iter().find(|(c, _)| !in_string && rest.starts_with(c)) {
            out.extend_from_slice(text);
            rest = &rest[constant.len()..];
            found = true;
        } else {
            in_string ^= byte == b'"';
            out.push(byte);
            rest = &rest[1..];
        }
    }
    if found { Cow::Owned(out) } else { Cow::Borrowed(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn json_constants_of_python_are_read_outside_strings_only() {
        let value: Value = parse(br#"{"a": Infinity, "b": [-Infinity, NaN], "Infinity": "NaN \" Infinity"}"#).unwrap();
        assert_eq!(value, json!({"a": "inf", "b": ["-inf", "nan"], "Infinity": "NaN \" Infinity"}));
    }

    #[test]
    fn json_that_ends_in_the_middle_is_a_broken_connection() {
        for (text, class) in [
            (r#"{"a": "#, Exception::ServerConnectionException),
            (r#"["a", "b""#, Exception::ServerConnectionException),
            ("", Exception::RucioException),
            ("[1] 2", Exception::RucioException),
            ("<html>busy", Exception::RucioException),
        ] {
            assert_eq!(parse::<Value>(text.as_bytes()).unwrap_err().class(), Some(class), "{text}");
        }
    }

    #[test]
    fn json_errors_show_the_text() {
        let error = parse::<Value>(b"<html>busy</html>").unwrap_err().to_string();
        assert!(error.contains("<html>busy"), "{error}");
    }
}
