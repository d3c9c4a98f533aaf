//! Error responses of the server, as typed errors.

use reqwest::header::HeaderMap;
use reqwest::{Response, StatusCode};
use serde::Deserialize;

use super::{body, json, tls};
use crate::error::{Error, Result};
use crate::exceptions::Exception;

/// Returns the response if it is successful, else its error.
pub(crate) async fn checked(response: Response) -> Result<Response> {
    if response.status().is_success() {
        return Ok(response);
    }
    let status = response.status();
    let headers = response.headers().clone();
    let url = response.url().clone();
    let body = body::read_error_body(response).await;
    tracing::debug!("Response text (length={}): [{}]", body.len(), String::from_utf8_lossy(&body));
    let error = refused(status, &headers, &body);
    Err(if url.scheme() == "http" && is_of_https_port(status, &body) {
        error.with_only_hint(tls::use_https(&url))
    } else {
        error
    })
}

/// Returns whether a server with TLS answers a request without: Apache, nginx and Go have such a page.
fn is_of_https_port(status: StatusCode, body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body).to_lowercase();
    status == StatusCode::BAD_REQUEST
        && ["plain http to an ssl-enabled", "plain http request was sent to https", "http request to an https server"]
            .iter()
            .any(|phrase| text.contains(phrase))
}

/// Returns the error of an unsuccessful response.
pub(crate) fn refused(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Error {
    let (class, details) = refusal(status, headers, body);
    let page = if status.is_server_error() { json::error_page() } else { json::unexpected_page() };
    let error = Error::new(class, details).with_status(status.as_u16());
    let error = if json::is_page(body) { error.with_hint(page) } else { error };
    if is_unknown_call(status, headers, body) { error.of_unknown_call() } else { error }
}

/// Returns whether this is the page with which the server itself (its framework, Flask) refuses a path or a method that it
/// does not have.
fn is_unknown_call(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> bool {
    let title: &[u8] = match status {
        StatusCode::NOT_FOUND => b"<title>404 Not Found</title>",
        StatusCode::METHOD_NOT_ALLOWED => b"<title>405 Method Not Allowed</title>",
        _ => return false,
    };
    let start = b"<!doctype html>\n<html lang=en>\n";
    let page = body.strip_prefix(start.as_slice()).is_some_and(|page| page.starts_with(title));
    page && !headers.contains_key("ExceptionClass")
}

/// Body of an error response.
#[derive(Deserialize, Default)]
struct ErrorBody {
    #[serde(rename = "ExceptionClass")]
    class: Option<String>,
    #[serde(rename = "ExceptionMessage")]
    message: Option<String>,
}

/// Returns class and message of an error response: from its body, else from its headers, else from the status code
/// alone.
fn refusal(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> (Exception, String) {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let body: ErrorBody = serde_json::from_slice(body).unwrap_or_default();
    let name = body.class.or_else(|| header("ExceptionClass")).unwrap_or_else(|| "RucioException".to_owned());
    let message = body
        .message
        .or_else(|| header("ExceptionMessage"))
        .unwrap_or_else(|| format!("no error information passed (http status code: {})", status.as_u16()));
    let message = plain_keys(message);
    match Exception::by_name(&name) {
        Some(class) => (class, message),
        None => (Exception::RucioException, format!("{name}: {message}")),
    }
}

/// Removes from a list of possible values how Python represents the keys of a dictionary: `dict_keys([...])`.
fn plain_keys(message: String) -> String {
    let parts = message.split_once("dict_keys([").and_then(|(before, rest)| Some((before, rest.split_once("])")?)));
    match parts {
        Some((before, (keys, after))) => format!("{before}{keys}{after}"),
        None => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn http_error_is_read_from_body_then_headers_then_status() {
        let both = headers(&[("ExceptionClass", "RSENotFound"), ("ExceptionMessage", "cut...")]);
        let body = br#"{"ExceptionClass": "RSENotFound", "ExceptionMessage": "RSE 'X' cannot be found"}"#;
        let status = StatusCode::NOT_FOUND;
        assert_eq!(refusal(status, &both, body), (Exception::RSENotFound, "RSE 'X' cannot be found".into()));
        assert_eq!(refusal(status, &both, b"<html>"), (Exception::RSENotFound, "cut...".into()));
        let (class, message) = refusal(StatusCode::BAD_GATEWAY, &HeaderMap::new(), b"");
        assert_eq!((class, message.contains("502")), (Exception::RucioException, true));
    }

    #[test]
    fn server_message_lists_values_without_python() {
        let body = br#"{"ExceptionClass": "UnsupportedOperation", "ExceptionMessage": "x. Valid are dict_keys(['all', 'file'])."}"#;
        let (_, message) = refusal(StatusCode::BAD_REQUEST, &HeaderMap::new(), body);
        assert_eq!(message, "x. Valid are 'all', 'file'.");
        assert_eq!(plain_keys("dict_keys([".to_owned()), "dict_keys([");
    }

    #[test]
    fn http_answer_of_an_https_port_is_recognised() {
        let is_https = |body: &str| is_of_https_port(StatusCode::BAD_REQUEST, body.as_bytes());
        assert!(is_https("Reason: You're speaking plain HTTP to an SSL-enabled server port.<br />"));
        assert!(is_https("<center>The plain HTTP request was sent to HTTPS port</center>"));
        assert!(is_https("Client sent an HTTP request to an HTTPS server.\n"));
        assert!(!is_https("<title>400 Bad Request</title>"));
    }

    #[test]
    fn http_page_of_the_server_itself_means_an_unknown_call() {
        let page = b"<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n".as_slice();
        let refused_as = |status, page| refused(status, &HeaderMap::new(), page).is_unknown_call();
        assert!(refused_as(StatusCode::NOT_FOUND, page));
        assert!(!refused_as(StatusCode::METHOD_NOT_ALLOWED, page), "another title");
        assert!(!refused_as(StatusCode::NOT_FOUND, b"<html><title>404 Not Found</title>"), "of a proxy");
        assert!(!refused_as(StatusCode::NOT_FOUND, b"{}"));
        let classified = headers(&[("ExceptionClass", "RSENotFound")]);
        assert!(!refused(StatusCode::NOT_FOUND, &classified, page).is_unknown_call());
    }

    #[test]
    fn http_error_of_an_unknown_class_keeps_its_name() {
        let body = br#"{"ExceptionClass": "Novel", "ExceptionMessage": "new"}"#;
        let refused = refusal(StatusCode::CONFLICT, &HeaderMap::new(), body);
        assert_eq!(refused, (Exception::RucioException, "Novel: new".into()));
    }
}
