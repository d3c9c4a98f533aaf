//! The network connection to a server: addresses, HTTP proxy, TCP connection.

use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use std::time::Duration;

use hyper_util::client::proxy::matcher::Matcher;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::env_vars::Env;

/// Timeout of each step; short, because the user waits for a diagnosis.
pub(super) const STEP_TIMEOUT: Duration = Duration::from_secs(5);
/// Maximum length of a proxy's response to `CONNECT`, in bytes.
const LONGEST_HEAD: usize = 16 << 10;

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    pub(super) host: String,
    pub(super) port: u16,
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// An HTTP proxy.
#[derive(Debug)]
pub(super) struct Proxy {
    pub(super) endpoint: Endpoint,
    authorization: Option<String>,
}

/// Returns the proxy for a URL, by the rules of the library that sends our requests.
pub(super) fn proxy(address: &str, env: &Env) -> Option<Proxy> {
    let first = |names: [&str; 2]| env.first(&names).unwrap_or_default();
    let matcher = Matcher::builder()
        .all(first(["ALL_PROXY", "all_proxy"]))
        .http(first(["HTTP_PROXY", "http_proxy"]))
        .https(first(["HTTPS_PROXY", "https_proxy"]))
        .no(first(["NO_PROXY", "no_proxy"]))
        .build();
    let found = matcher.intercept(&address.parse().ok()?)?;
    let port = found.uri().port_u16().unwrap_or(if found.uri().scheme_str() == Some("https") { 443 } else { 80 });
    let authorization = found.basic_auth().and_then(|value| value.to_str().ok()).map(str::to_owned);
    Some(Proxy { endpoint: Endpoint { host: found.uri().host()?.to_owned(), port }, authorization })
}

/// Resolves the addresses of a host; repeated ones in a row are dropped.
pub(super) async fn addresses(endpoint: &Endpoint) -> Result<Vec<SocketAddr>> {
    let asked = timeout(STEP_TIMEOUT, tokio::net::lookup_host((endpoint.host.as_str(), endpoint.port))).await;
    let mut found: Vec<_> = asked.map_err(|_| timeout_error("the name service"))??.collect();
    found.dedup();
    if found.is_empty() { Err(Error::new(ErrorKind::NotFound, "it has no address")) } else { Ok(found) }
}

/// Connects to the first of these addresses that accepts a connection.
pub(super) async fn connect(addresses: &[SocketAddr]) -> Result<TcpStream> {
    timeout(STEP_TIMEOUT, TcpStream::connect(addresses)).await.map_err(|_| timeout_error("it"))?
}

/// Opens a tunnel through the proxy (RFC 9110, 9.3.6).
pub(super) async fn tunnel(mut stream: TcpStream, proxy: &Proxy, to: &Endpoint) -> Result<TcpStream> {
    let authorization =
        proxy.authorization.as_ref().map(|value| format!("Proxy-Authorization: {value}\r\n")).unwrap_or_default();
    let request = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n{authorization}\r\n");
    stream.write_all(request.as_bytes()).await?;
    let head = timeout(STEP_TIMEOUT, head(&mut stream)).await.map_err(|_| timeout_error("the proxy"))??;
    let status = head.lines().next().unwrap_or_default().to_owned();
    match status.split(' ').nth(1) {
        Some(code) if code.starts_with('2') => Ok(stream),
        _ => Err(Error::other(format!("the proxy refused: {status}"))),
    }
}

/// Reads up to the empty line, and not a byte more: the rest is the server's.
async fn head(stream: &mut TcpStream) -> Result<String> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        if bytes.len() > LONGEST_HEAD {
            return Err(Error::other("the proxy's response is too long"));
        }
        bytes.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn timeout_error(who: &str) -> Error {
    Error::new(ErrorKind::TimedOut, format!("{who} did not answer within {} s", STEP_TIMEOUT.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_proxy_follows_the_protocol_and_no_proxy() {
        let env = Env::fixed([
            ("https_proxy", "http://kim:hunter2@proxy.example.org:3128"),
            ("NO_PROXY", "localhost,.example.com"),
        ]);
        let found = proxy("https://rucio.example.org:443", &env).unwrap();
        assert_eq!(found.endpoint.to_string(), "proxy.example.org:3128");
        assert!(found.authorization.is_some_and(|value| value.starts_with("Basic ")));
        for address in ["https://localhost:19443", "https://a.example.com", "http://rucio.example.org"] {
            assert!(proxy(address, &env).is_none(), "{address}");
        }
    }
}
