//! Opens TLS connections. The one place that decides which of the two TLS libraries is used: rustls, or OpenSSL for
//! servers that rustls cannot talk to (`docs/architecture.md` explains why there are two).

use std::collections::BTreeSet;
use std::error::Error as StdError;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll};

use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::TlsConnector;

use super::fallback::{self, OpenSslStream};
use super::identity::notice_requests;
use super::{CertificateRequest, TlsConfig, needs_openssl};
use crate::lock::lock;

/// Error of a connection that could not be opened.
pub(crate) type ConnectError = Box<dyn StdError + Send + Sync>;

/// A two-way stream of bytes.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Sync + Unpin + 'static {}

impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin + 'static> Io for S {}

/// Servers (`host:port`) that only OpenSSL can talk to, as this process has found out.
static NEED_OPENSSL: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// A server to connect to, for example `se.example.org:443`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Server {
    /// Host name or address, without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl std::fmt::Display for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl TlsConfig {
    /// Opens a connection with `open` and runs the TLS handshake over it. If rustls cannot complete the handshake and
    /// OpenSSL may, both are repeated with OpenSSL.
    pub(crate) async fn connect<S: Io, F: Future<Output = Result<S, ConnectError>> + Send>(
        &self,
        server: &Server,
        open: impl Fn() -> F + Send,
    ) -> Result<TlsStream<S>, ConnectError> {
        if self.uses_openssl(server) {
            return self.connect_openssl(server, open().await?).await;
        }
        let refused = match self.connect_rustls(server, open().await?).await {
            Ok(stream) => return Ok(stream),
            Err(error) if needs_openssl(&error) => error,
            Err(error) => return Err(error.into()),
        };
        tracing::debug!("TLS connection to {server} by rustls failed, trying OpenSSL: {refused}");
        let stream = self.connect_openssl(server, open().await?).await?;
        lock(&NEED_OPENSSL).insert(server.to_string());
        Ok(stream)
    }

    /// Whether OpenSSL is used for this server.
    fn uses_openssl(&self, server: &Server) -> bool {
        self.identity.as_ref().is_some_and(|identity| !identity.suits_rustls())
            || lock(&NEED_OPENSSL).contains(&server.to_string())
    }

    async fn connect_rustls<S: Io>(&self, server: &Server, io: S) -> io::Result<TlsStream<S>> {
        let name = ServerName::try_from(server.host.clone()).map_err(io::Error::other)?;
        let handshake = TlsConnector::from(self.rustls.clone()).connect(name, io);
        let (stream, is_certificate_requested) = notice_requests(handshake).await;
        if is_certificate_requested {
            lock(&self.certificate_requests).insert(server.to_string(), CertificateRequest::InHandshake);
        }
        Ok(TlsStream::Rustls(Box::new(stream?)))
    }

    /// Runs the handshake with OpenSSL.
    pub(in crate::http) async fn connect_openssl<S: Io>(
        &self,
        server: &Server,
        io: S,
    ) -> Result<TlsStream<S>, ConnectError> {
        let context = match self.openssl.get() {
            Some(context) => context,
            None => {
                let context = fallback::context(&self.trust, self.identity.as_ref())?;
                self.openssl.get_or_init(|| context)
            }
        };
        Ok(TlsStream::OpenSsl(Box::new(fallback::connect(context, &self.trust, server, io).await?)))
    }

    /// Whether this server requests our certificate after the handshake, which only OpenSSL supports.
    pub(in crate::http) fn requests_certificate_late(&self, server: &Server) -> bool {
        lock(&self.certificate_requests).get(&server.to_string()) == Some(&CertificateRequest::AfterHandshake)
    }

    /// Whether this server may request our certificate after the handshake: rustls, which cannot present it later, was
    /// not asked for it.
    pub(in crate::http) fn may_request_certificate_late(&self, server: &Server) -> bool {
        self.identity.is_some()
            && !self.uses_openssl(server)
            && !lock(&self.certificate_requests).contains_key(&server.to_string())
    }

    /// Records whether a request over a connection of OpenSSL, with our certificate, was successful.
    pub(in crate::http) fn record_late_request(&self, server: &Server, is_success: bool) {
        let request = if is_success { CertificateRequest::AfterHandshake } else { CertificateRequest::Never };
        lock(&self.certificate_requests).insert(server.to_string(), request);
    }
}

/// A TLS connection.
#[derive(Debug)]
pub(crate) enum TlsStream<S> {
    Rustls(Box<tokio_rustls::client::TlsStream<S>>),
    OpenSsl(Box<OpenSslStream<S>>),
}

impl<S: Io> TlsStream<S> {
    /// Returns the server's own certificate in DER form.
    pub(crate) fn peer_certificate(&self) -> Option<Vec<u8>> {
        match self {
            Self::Rustls(stream) => stream.get_ref().1.peer_certificates()?.first().map(|own| own.to_vec()),
            Self::OpenSsl(stream) => stream.peer_certificate(),
        }
    }

    /// Returns the TLS version.
    pub(crate) fn version(&self) -> &'static str {
        let is_1_3 = match self {
            Self::Rustls(stream) => stream.get_ref().1.protocol_version() == Some(rustls::ProtocolVersion::TLSv1_3),
            Self::OpenSsl(stream) => stream.is_tls_1_3(),
        };
        if is_1_3 { "TLS 1.3" } else { "TLS 1.2" }
    }
}

impl<S: Io> AsyncRead for TlsStream<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Rustls(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::OpenSsl(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl<S: Io> AsyncWrite for TlsStream<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Rustls(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::OpenSsl(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Rustls(stream) => Pin::new(stream).poll_write_vectored(cx, parts),
            Self::OpenSsl(stream) => Pin::new(stream).poll_write_vectored(cx, parts),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Rustls(stream) => stream.is_write_vectored(),
            Self::OpenSsl(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Rustls(stream) => Pin::new(stream).poll_flush(cx),
            Self::OpenSsl(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Rustls(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::OpenSsl(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
