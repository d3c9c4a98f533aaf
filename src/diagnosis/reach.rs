//! The network connection to a server: addresses, HTTP proxy, TCP connection.

use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use std::time::Duration;

use hyper_util::client::proxy::matcher::Intercept;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::env_vars::Env;
use crate::http::proxy::{self, Proxies};
use crate::http::tls::Server;

/// Timeout of each step; short, because the user waits for a diagnosis.
pub(super) const STEP_TIMEOUT: Duration = Duration::from_secs(5);
/// An HTTP proxy.
#[derive(Debug)]
pub(super) struct Proxy {
    pub(super) server: Server,
    settings: Intercept,
}

/// Returns the proxy for a URL, by the rules of our requests.
pub(super) fn proxy(address: &str, env: &Env) -> Option<Proxy> {
    let settings = Proxies::from_env(env).find(&address.parse().ok()?)?;
    Some(Proxy { server: proxy::server(settings.uri())?, settings })
}

/// Resolves the addresses of a host; repeated ones in a row are dropped.
pub(super) async fn addresses(server: &Server) -> Result<Vec<SocketAddr>> {
    let asked = timeout(STEP_TIMEOUT, tokio::net::lookup_host((server.host.as_str(), server.port))).await;
    let mut found: Vec<_> = asked.map_err(|_| timeout_error("the name service"))??.collect();
    found.dedup();
    if found.is_empty() { Err(Error::new(ErrorKind::NotFound, "it has no address")) } else { Ok(found) }
}

/// Connects to the first of these addresses that accepts a connection.
pub(super) async fn connect(addresses: &[SocketAddr]) -> Result<TcpStream> {
    timeout(STEP_TIMEOUT, TcpStream::connect(addresses)).await.map_err(|_| timeout_error("it"))?
}

/// Opens a tunnel through the proxy.
pub(super) async fn tunnel(stream: TcpStream, proxy: &Proxy, to: &Server) -> Result<TcpStream> {
    let opening = proxy::tunnel(stream, &proxy.settings, to, "");
    timeout(STEP_TIMEOUT, opening).await.map_err(|_| timeout_error("the proxy"))?
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
        assert_eq!(found.server.to_string(), "proxy.example.org:3128");
        assert!(found.settings.basic_auth().is_some());
        for address in ["https://localhost:19443", "https://a.example.com", "http://rucio.example.org"] {
            assert!(proxy(address, &env).is_none(), "{address}");
        }
    }
}
