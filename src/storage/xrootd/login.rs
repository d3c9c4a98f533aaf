//! Starts a session: connection, handshake, login and authentication.
//!
//! Built are servers without authentication and the methods `host` and `unix`, which trust the client. Any other server
//! is [`Failure::NotBuilt`].

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::time::timeout;

use super::Failure;
use super::address::Server;
use super::connection::Connection;
use super::frame::{FrameReader, invalid};
use super::pending::{Answer, timed_out};
use super::status::{ServerError, TLS_REQUIRED};
use super::waits::Waits;
use super::wire::{HANDSHAKE, Request, Status, text};
use crate::storage::{StorageError, StorageErrorKind};

/// Pause before the next address of a host is tried as well (RFC 8305, section 5).
const NEXT_ADDRESS: Duration = Duration::from_millis(250);
/// Beginning of the system resolver's error messages, and what it says of a name that does not exist.
const NO_ADDRESS: &str = "failed to lookup address information";
const UNKNOWN_NAME: &str = "Name or service not known";
/// Flags of a server: it manages others; it requires TLS for data, login, session, or right now.
const IS_MANAGER: u32 = 2;
const REQUIRES_TLS: u32 = 0x4000_0000 | 0x0100_0000 | 0x0400_0000 | 0x0800_0000;
/// Bytes of the session id that the response to a login starts with.
const SESSION_ID: usize = 16;
/// Maximum time for a login that makes progress.
const MAX_LOGIN: Duration = Duration::from_secs(60);

/// Times and names for all sessions.
#[derive(Debug, Clone)]
pub struct SessionSettings {
    /// Timeout for opening a connection.
    pub connect_timeout: Duration,
    /// Timeout of a server that sends nothing.
    pub idle_timeout: Duration,
    /// Name of the local user, as servers record it.
    pub user: String,
}

/// A session on a server.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) connection: Connection,
    /// Whether the server has no files, but knows the servers that do.
    pub(super) is_manager: bool,
}

/// A connection before the login is complete: one request at a time.
struct Dialog {
    frames: FrameReader,
    stream: OwnedWriteHalf,
    idle_timeout: Duration,
}

impl Session {
    /// Connects and logs in. The parameters of a redirect's login token are added to ours.
    pub(super) async fn start(
        server: &Server,
        login_token: Option<&str>,
        settings: &SessionSettings,
    ) -> Result<Self, Failure> {
        let stream = timeout(settings.connect_timeout, connect(server)).await;
        let stream = stream.map_err(|_| silent(server)).and_then(|stream| stream)?;
        // Without it, small requests would wait for the acknowledgement of earlier ones.
        stream.set_nodelay(true).map_err(|error| unreachable(server, &error))?;
        let (read, write) = stream.into_split();
        let mut dialog = Dialog { frames: FrameReader::new(read), stream: write, idle_timeout: settings.idle_timeout };
        let login = timeout(MAX_LOGIN, dialog.log_in(server, login_token, settings)).await;
        let is_manager = login.map_err(|_| silent(server))??;
        let connection = Connection::start(dialog.frames, dialog.stream, settings.idle_timeout);
        Ok(Self { connection, is_manager })
    }
}

impl Dialog {
    /// Returns whether the server is a manager.
    async fn log_in(
        &mut self,
        server: &Server,
        token: Option<&str>,
        settings: &SessionSettings,
    ) -> Result<bool, Failure> {
        let flags = self.shake_hands().await?;
        let user = server.user.as_deref().unwrap_or(&settings.user);
        let cgi = format!("xrd.appname=rucio{}{}", if token.is_some() { "&" } else { "" }, token.unwrap_or_default());
        let login = Request::Login { process: std::process::id(), user, cgi: &cgi };
        let body = self.call(&login).await?;
        let methods = text(body.get(SESSION_ID..).unwrap_or_default()).into_owned();
        self.authenticate(&methods, user).await?;
        Ok(flags & IS_MANAGER != 0)
    }

    /// Sends the first bytes of a connection. Returns the server's flags.
    async fn shake_hands(&mut self) -> Result<u32, Failure> {
        let mut first = HANDSHAKE.to_vec();
        first.extend(Request::Protocol.encode(0));
        self.send(&first).await?;
        self.answer().await?;
        let Answer::Ok(body) = self.answer().await? else { return Err(invalid("no protocol").into()) };
        let flags = body.get(4..8).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes);
        let flags = flags.ok_or_else(|| invalid("no flags"))?;
        if flags & REQUIRES_TLS != 0 {
            return Err(Failure::NotBuilt("the server requires TLS".to_owned()));
        }
        // S, 0, version, options, level, number of exceptions: a level above 0 asks for signed requests.
        match body.get(8..13) {
            Some([b'S', _, _, _, level]) if *level > 0 => {
                Err(Failure::NotBuilt("the server asks for signed requests".to_owned()))
            }
            _ => Ok(flags),
        }
    }

    /// Authenticates by the first of our methods. A server that lists others, too, may allow more to those.
    async fn authenticate(&mut self, methods: &str, user: &str) -> Result<(), Failure> {
        let offered: Vec<&str> = methods
            .split("&P=")
            .filter(|one| !one.is_empty())
            .map(|one| one.split(',').next().unwrap_or(one))
            .collect();
        let others: Vec<&str> = offered.iter().copied().filter(|one| !matches!(*one, "host" | "unix")).collect();
        if !others.is_empty() {
            return Err(Failure::NotBuilt(format!("the server asks for {}", others.join(" or "))));
        }
        let mut refusal = None;
        for method in offered {
            let credentials = if method == "unix" { format!("unix\0{user}\0") } else { "host\0".to_owned() };
            let request = Request::Authenticate { method, credentials: credentials.as_bytes() };
            match self.call(&request).await {
                Ok(_) => return Ok(()),
                Err(error) => refusal = Some(error),
            }
        }
        refusal.map_or(Ok(()), Err)
    }

    /// Sends a request, again if the server asks to wait. Errors: the server's.
    async fn call(&mut self, request: &Request<'_>) -> Result<Bytes, Failure> {
        let mut waits = Waits::default();
        loop {
            self.send(&request.encode(1)).await?;
            match self.answer().await? {
                Answer::Ok(body) => return Ok(body),
                Answer::Wait(time) => waits.wait(time).await?,
                Answer::Error(ServerError { code: TLS_REQUIRED, .. }) => {
                    return Err(Failure::NotBuilt("the server requires TLS".to_owned()));
                }
                Answer::Error(error) => return Err(StorageError::from(error).into()),
                Answer::AuthMore(_) | Answer::Redirect { .. } => {
                    return Err(invalid("an unexpected response at login").into());
                }
            }
        }
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        Ok(self.stream.write_all(bytes).await.map_err(|error| super::frame::cut(&error))?)
    }

    /// Reads the next response; messages of the server are ignored.
    async fn answer(&mut self) -> Result<Answer, Failure> {
        loop {
            let frame = timeout(self.idle_timeout, self.frames.whole()).await;
            let (header, body) = frame.map_err(|_| timed_out())??;
            if header.status != Status::Attention {
                let answer = Answer::parse(header.status, body);
                return Ok(answer.ok_or_else(|| invalid("an unexpected response at login"))?);
            }
        }
    }
}

/// Connects to the first address of a host that answers; the next one is tried when one fails, or after a moment.
async fn connect(server: &Server) -> Result<TcpStream, StorageError> {
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

fn silent(server: &Server) -> StorageError {
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
