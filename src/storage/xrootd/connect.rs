//! Opens TCP connections.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::address::Server;
use crate::storage::{Result, StorageError, StorageErrorKind};

/// Pause before the next address of a host is tried as well (RFC 8305, section 5).
const NEXT_ADDRESS: Duration = Duration::from_millis(250);
/// Beginning of the system resolver's error messages, and what it says of a name that does not exist.
const NO_ADDRESS: &str = "failed to lookup address information";
const UNKNOWN_NAME: &str = "Name or service not known";

/// Connects to a host.
pub(super) async fn connect(server: &Server, limit: Duration) -> Result<TcpStream> {
    let stream = timeout(limit, first_answering(server)).await.map_err(|_| silent(server))??;
    // Without it, small requests would wait for the acknowledgement of earlier ones.
    stream.set_nodelay(true).map_err(|error| unreachable(server, &error))?;
    Ok(stream)
}

/// Connects to the first address of a host that answers; the next one is tried when one fails, or after a moment.
async fn first_answering(server: &Server) -> Result<TcpStream> {
    let found = tokio::net::lookup_host((server.host.as_str(), server.port)).await;
    let mut addresses = alternating(found.map_err(|error| unreachable(server, &error))?.collect()).into_iter();
    let mut attempts = FuturesUnordered::new();
    let mut failure = None;
    loop {
        if let Some(address) = addresses.next() {
            attempts.push(TcpStream::connect(address));
        }
        let pause = if addresses.len() == 0 { Duration::MAX } else { NEXT_ADDRESS };
        match timeout(pause, attempts.next()).await {
            Ok(Some(Ok(stream))) => return Ok(stream),
            Ok(Some(Err(error))) => failure = Some(error),
            Ok(None) => {
                let none = || std::io::Error::other("the host has no address");
                return Err(unreachable(server, &failure.unwrap_or_else(none)));
            }
            Err(_) => {}
        }
    }
}

/// Orders addresses so that IPv6 and IPv4 take turns, beginning with the resolver's first (RFC 8305, section 4).
fn alternating(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (same, other): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|address| address.is_ipv6() == first_is_v6);
    let (mut same, mut other) = (same.into_iter(), other.into_iter());
    let mut all = Vec::new();
    loop {
        let pair = [same.next(), other.next()];
        if pair == [None, None] {
            return all;
        }
        all.extend(pair.into_iter().flatten());
    }
}

fn unreachable(server: &Server, error: &std::io::Error) -> StorageError {
    let text = error.to_string();
    let message = match text.strip_prefix(NO_ADDRESS) {
        Some(rest) => format!("the address of {} cannot be found{rest}", server.host),
        None => format!("cannot connect to {server}: {text}"),
    };
    // Of a name that does not exist, the system says so; anything else may be temporary.
    let kind = if text.contains(UNKNOWN_NAME) { StorageErrorKind::Refused } else { StorageErrorKind::Transient };
    let is_disconnect = matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset);
    StorageError { is_disconnect, ..StorageError::new(kind, message) }
}

/// Returns the error of a server that does not answer.
pub(super) fn silent(server: &Server) -> StorageError {
    StorageError::new(StorageErrorKind::TimedOut, format!("{server} did not answer in time"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xrootd_addresses_of_both_families_take_turns() {
        let parse = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<SocketAddr>>();
        let found = parse(&["[::1]:1", "[::2]:1", "[::3]:1", "127.0.0.1:1", "127.0.0.2:1"]);
        let expected = parse(&["[::1]:1", "127.0.0.1:1", "[::2]:1", "127.0.0.2:1", "[::3]:1"]);
        assert_eq!(alternating(found), expected);
        assert_eq!(alternating(Vec::new()), []);
    }
}
