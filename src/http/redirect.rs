//! Redirects of the server: followed only on the same host, because our headers contain the token.

use reqwest::header::LOCATION;
use reqwest::redirect::Policy;
use reqwest::{Response, Url};

/// Maximum number of redirects.
pub(super) const MAX_REDIRECTS: usize = 10;

/// Follows redirects on the same host. Stops at one that leads from https to http there: see [`secure_target`].
pub(super) fn same_host_only() -> Policy {
    Policy::custom(|attempt| {
        let origin = attempt.previous().first().map(Url::origin);
        let is_insecure = attempt.previous().last().is_some_and(|from| secured(from, attempt.url()).is_some());
        match origin {
            Some(origin) if origin == attempt.url().origin() && attempt.previous().len() < MAX_REDIRECTS => {
                attempt.follow()
            }
            _ if is_insecure => attempt.stop(),
            _ => {
                let elsewhere = attempt.url().origin().ascii_serialization();
                attempt.error(format!(
                    "the server redirects to another host ({elsewhere}), where neither password nor token may go"
                ))
            }
        }
    })
}

/// Returns where a redirect from https to http on the same host leads, but over https: where a proxy in front of the server
/// ends TLS, the server does not know that it is reached over https.
pub(super) fn secure_target(response: &Response) -> Option<Url> {
    if !response.status().is_redirection() {
        return None;
    }
    let location = response.headers().get(LOCATION)?.to_str().ok()?;
    secured(response.url(), &response.url().join(location).ok()?)
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
