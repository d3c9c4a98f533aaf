//! The first bytes of a connection: handshake, protocol, and TLS where server or client want it.
//!
//! A server that requires TLS for the login says so in its first response. One that requires it later, for the session
//! or for data, is asked for it before the login, so that nothing at all is sent unencrypted.

use std::net::SocketAddr;
use std::sync::Mutex;

use tokio::net::TcpStream;

use super::address::Server;
use super::connect::connect;
use super::dialog::{Dialog, Reply};
use super::frame::{FrameReader, cut, invalid};
use super::login::SessionSettings;
use super::pending::Answer;
use super::sign::Requirements;
use super::wire::{HANDSHAKE, Request};
use crate::http::tls::{self, ConnectError};
use crate::lock::lock;
use crate::storage::{Result, StorageError, StorageErrorKind};

/// Flags of a server: it manages others; it has TLS; TLS begins now; it requires TLS for data, login or session.
const IS_MANAGER: u32 = 2;
const HAS_TLS: u32 = 0x8000_0000;
const STARTS_TLS: u32 = 0x4000_0000;
const REQUIRES_TLS: u32 = 0x0100_0000 | 0x0400_0000 | 0x0800_0000;

/// What a server says about itself before the login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hello {
    flags: u32,
    /// Which requests are to be signed.
    pub(super) signatures: Requirements,
}

/// A connection that is ready for the login.
pub(super) struct Opened {
    pub(super) dialog: Dialog<'static>,
    pub(super) hello: Hello,
    pub(super) is_encrypted: bool,
    /// Our own address, and the server's.
    pub(super) local: SocketAddr,
    pub(super) peer: SocketAddr,
}

impl Hello {
    /// Parses version, flags and the requirements of signatures.
    fn parse(body: &[u8]) -> Result<Self> {
        let flags = body.get(4..8).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes);
        let flags = flags.ok_or_else(|| invalid("no flags"))?;
        Ok(Self { flags, signatures: Requirements::parse(body.get(8..).unwrap_or_default()) })
    }

    /// Returns whether the server has no files, but knows the servers that do.
    pub(super) fn is_manager(&self) -> bool {
        self.flags & IS_MANAGER != 0
    }

    /// Returns whether the connection can be encrypted.
    pub(super) fn has_tls(&self) -> bool {
        self.flags & (HAS_TLS | STARTS_TLS) != 0
    }

    fn starts_tls(&self) -> bool {
        self.flags & STARTS_TLS != 0
    }
}

/// Connects to a server. Errors: also if TLS is needed, and the server has none or is not trusted.
pub(super) async fn open(server: &Server, settings: &SessionSettings) -> Result<Opened> {
    let (stream, hello) = greet(server, settings).await?;
    let is_encrypted = hello.starts_tls();
    let (local, peer) =
        (stream.local_addr().map_err(|error| cut(&error))?, stream.peer_addr().map_err(|error| cut(&error))?);
    let (frames, outgoing): (_, super::dialog::Outgoing<'static>) = if is_encrypted {
        let (read, write) = tokio::io::split(encrypt(server, settings, stream).await?);
        (FrameReader::new(Box::new(read)), Box::new(write))
    } else if server.needs_tls {
        let message = format!("{server} has no TLS, and the file must be transferred over TLS only");
        return Err(StorageError::new(StorageErrorKind::Refused, message));
    } else {
        let (read, write) = stream.into_split();
        (FrameReader::new(Box::new(read)), Box::new(write))
    };
    Ok(Opened { dialog: Dialog::new(frames, outgoing, settings.idle_timeout), hello, is_encrypted, local, peer })
}

/// Connects and exchanges the first requests, which are never encrypted.
async fn greet(server: &Server, settings: &SessionSettings) -> Result<(TcpStream, Hello)> {
    let mut stream = connect(server, settings.connect_timeout).await?;
    let (read, write) = stream.split();
    let frames = FrameReader::unbuffered(Box::new(read));
    let mut dialog = Dialog::new(frames, Box::new(write), settings.idle_timeout);
    let hello = shake_hands(&mut dialog, server.needs_tls).await?;
    drop(dialog);
    Ok((stream, hello))
}

async fn shake_hands(dialog: &mut Dialog<'_>, wants_tls: bool) -> Result<Hello> {
    let mut first = HANDSHAKE.to_vec();
    first.extend(Request::Protocol { wants_tls }.encode(0));
    dialog.send(&first).await?;
    dialog.answer().await?;
    let Answer::Ok(body) = dialog.answer().await? else { return Err(invalid("no protocol")) };
    let hello = Hello::parse(&body)?;
    if hello.starts_tls() || !hello.has_tls() || hello.flags & REQUIRES_TLS == 0 {
        return Ok(hello);
    }
    match dialog.ask(&Request::Protocol { wants_tls: true }).await? {
        Reply::Ok(body) => Hello::parse(&body),
        Reply::Error(error) => Err(error.into()),
        Reply::More(_) => Err(invalid("no protocol")),
    }
}

/// Runs the TLS handshake; over another connection if it has to be repeated.
async fn encrypt(server: &Server, settings: &SessionSettings, stream: TcpStream) -> Result<tls::TlsStream<TcpStream>> {
    let first = &Mutex::new(Some(stream));
    let open = || async move {
        let stream = lock(first).take();
        match stream {
            Some(stream) => Ok(stream),
            None => Ok(greet(server, settings).await?.0),
        }
    };
    let host = tls::Server { host: server.host.clone(), port: server.port };
    settings.tls.connect(&host, open).await.map_err(|error| tls_error(server, error))
}

fn tls_error(server: &Server, error: ConnectError) -> StorageError {
    let error = match error.downcast::<StorageError>() {
        Ok(error) => return *error,
        Err(error) => error,
    };
    if let Some(failure) = tls::failure(&*error) {
        return StorageError::new(StorageErrorKind::Refused, format!("{server}: {}", failure.reason));
    }
    match error.downcast::<std::io::Error>() {
        Ok(error) => cut(&error),
        Err(error) => StorageError::new(StorageErrorKind::Refused, format!("{server}: TLS: {error}")),
    }
}
