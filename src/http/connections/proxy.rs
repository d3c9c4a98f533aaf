//! HTTP proxies: which one is used for a server, and tunnels through it.

use std::io;

use hyper::Uri;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::env_vars::Env;
use crate::http::tls::Server;

/// Maximum length of a proxy's response to `CONNECT`, in bytes.
const LONGEST_HEAD: usize = 16 << 10;

/// The proxies of the environment.
#[derive(Debug)]
pub(crate) struct Proxies {
    matcher: Matcher,
    /// Entries of `NO_PROXY` with a port, in lower case.
    servers_without: Vec<String>,
}

impl Proxies {
    /// Returns the proxies of these variables.
    pub(crate) fn from_env(env: &Env) -> Self {
        // The variables of a CGI program come from its client, whose header `Proxy` is `HTTP_PROXY`.
        let is_cgi = env.get("REQUEST_METHOD").is_some();
        let first = |names: [&str; 2]| env.first(&names).filter(|_| !is_cgi).unwrap_or_default();
        let without = first(["NO_PROXY", "no_proxy"]);
        let matcher = Matcher::builder()
            .all(first(["ALL_PROXY", "all_proxy"]))
            .http(first(["HTTP_PROXY", "http_proxy"]))
            .https(first(["HTTPS_PROXY", "https_proxy"]))
            .no(without.clone())
            .build();
        let servers_without = without.split(',').map(|entry| entry.trim().to_ascii_lowercase());
        Self { matcher, servers_without: servers_without.filter(|entry| entry.contains(':')).collect() }
    }

    /// Returns the proxy for a URL.
    pub(crate) fn find(&self, url: &Uri) -> Option<Intercept> {
        let found = self.matcher.intercept(url)?;
        let server = server(url)?.to_string().to_ascii_lowercase();
        (!self.servers_without.iter().any(|entry| is_named(&server, entry))).then_some(found)
    }
}

/// Whether an entry of `NO_PROXY` with a port means this server (`host:port`), or the domain that it belongs to.
fn is_named(server: &str, entry: &str) -> bool {
    let domain = entry.trim_start_matches('.');
    server.strip_suffix(domain).is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

/// Returns host and port of a URL.
pub(crate) fn server(url: &Uri) -> Option<Server> {
    let port = url.port_u16().unwrap_or(if url.scheme_str() == Some("https") { 443 } else { 80 });
    Some(Server { host: url.host()?.trim_matches(['[', ']']).to_owned(), port })
}

/// Opens a tunnel to a server through a proxy (RFC 9110, 9.3.6). `headers` are further header lines, each with its line
/// break.
pub(crate) async fn tunnel<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    proxy: &Intercept,
    to: &Server,
    headers: &str,
) -> io::Result<S> {
    let credentials = proxy.basic_auth().and_then(|value| value.to_str().ok());
    let credentials = credentials.map(|value| format!("Proxy-Authorization: {value}\r\n")).unwrap_or_default();
    let request = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n{headers}{credentials}\r\n");
    stream.write_all(request.as_bytes()).await?;
    let head = read_head(&mut stream).await?;
    let status = head.lines().next().unwrap_or_default().to_owned();
    match status.split(' ').nth(1) {
        Some(code) if code.starts_with('2') => Ok(stream),
        _ => Err(io::Error::other(format!("the proxy refused: {status}"))),
    }
}

/// Reads up to the empty line, and not a byte more: the rest is the server's.
async fn read_head<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<String> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        if bytes.len() > LONGEST_HEAD {
            return Err(io::Error::other("the proxy's response is too long"));
        }
        bytes.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has_proxy(without: &str, url: &str) -> bool {
        let env = Env::fixed([("HTTPS_PROXY", "http://proxy:3128"), ("NO_PROXY", without)]);
        Proxies::from_env(&env).find(&url.parse().unwrap()).is_some()
    }

    #[test]
    fn http_proxy_is_not_used_for_servers_named_with_their_port() {
        for (without, url, expected) in [
            ("se.example.org:8443", "https://se.example.org:8443/f", false),
            ("SE.example.org:8443", "https://se.example.org:8443/f", false),
            ("localhost, se.example.org:443", "https://se.example.org/f", false),
            (".example.org:8443", "https://se.example.org:8443/f", false),
            ("example.org:8443", "https://se.example.org:8443/f", false),
            ("[::1]:8443", "https://[::1]:8443/f", false),
            ("se.example.org:8443", "https://se.example.org:9443/f", true),
            ("se.example.org:8443", "https://se.example.org/f", true),
            ("e.example.org:8443", "https://se.example.org:8443/f", true),
            ("se.example.org", "https://se.example.org:8443/f", false),
            ("", "https://se.example.org:8443/f", true),
        ] {
            assert_eq!(has_proxy(without, url), expected, "NO_PROXY={without} {url}");
        }
    }
}
