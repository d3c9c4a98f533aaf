//! Redirects of the Rucio server. They are followed on the same host only, since our headers contain the token; those of
//! storages are in [`crate::storage::http`].

use reqwest::header::LOCATION;
use reqwest::{Method, Response, StatusCode, Url};

use super::SendError;

/// Maximum number of redirects.
pub(super) const MAX_REDIRECTS: usize = 10;

/// Returns the URL that the response to a request with this method redirects to; `None` if it is not followed. One that
/// leads from https to http on the same host leads to https: where a proxy in front of the server ends TLS, the server
/// does not know that it is reached over https. Errors: another host.
pub(super) fn target(response: &Response, method: &Method) -> Result<Option<Url>, SendError> {
    let (status, from) = (response.status(), response.url());
    let is_redirect = matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308);
    let location = response.headers().get(LOCATION).filter(|_| is_redirect);
    let Some(to) = location.and_then(|location| from.join(location.to_str().ok()?).ok()) else { return Ok(None) };
    if to.origin() == from.origin() {
        return Ok(Some(to));
    }
    if let Some(to) = secured(from, &to) {
        return Ok((method.is_safe() || keeps_method(status)).then_some(to));
    }
    let elsewhere = to.origin().ascii_serialization();
    let message =
        format!("the server redirects to another host ({elsewhere}), where neither password nor token may go");
    Err(SendError::redirect(message, from.clone()))
}

/// Returns the error of a request that was redirected too often.
pub(super) fn too_many(url: Url) -> SendError {
    SendError::redirect(format!("the server redirects more than {MAX_REDIRECTS} times"), url)
}

fn keeps_method(status: StatusCode) -> bool {
    matches!(status, StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT)
}

/// Whether the redirected request has the method `GET` and no body (RFC 9110, 15.4).
pub(super) fn becomes_get(status: StatusCode, method: &Method) -> bool {
    match status {
        StatusCode::SEE_OTHER => method != Method::HEAD,
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => method == Method::POST,
        _ => false,
    }
}

fn secured(from: &Url, to: &Url) -> Option<Url> {
    let is_downgrade = from.scheme() == "https" && to.scheme() == "http" && from.host() == to.host();
    let is_same_port = to.port().is_none() || to.port() == from.port_or_known_default();
    let mut target = to.clone();
    let is_set = target.set_scheme("https").is_ok() && target.set_port(from.port()).is_ok();
    (is_downgrade && is_same_port && is_set).then_some(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirect_to_http_on_the_same_host_is_secured() {
        for (from, to, expected) in [
            ("https://r/scopes/owner", "http://r/scopes/owner/", Some("https://r/scopes/owner/")),
            ("https://r:8443/a", "http://r/b?c=d", Some("https://r:8443/b?c=d")),
            ("https://r:8443/a", "http://r:8443/b", Some("https://r:8443/b")),
            ("https://r/a", "http://r:443/b", Some("https://r/b")),
            ("https://r/a", "http://r:8080/b", None),
            ("https://r/a", "http://s/b", None),
            ("https://r/a", "https://r/b", None),
            ("http://r/a", "http://r/b", None),
        ] {
            let secured = secured(&Url::parse(from).unwrap(), &Url::parse(to).unwrap());
            assert_eq!(secured.as_ref().map(Url::as_str), expected, "{from} -> {to}");
        }
    }
}
