//! Runs a TLS handshake and returns what the server shows, trusted or not.

use std::io::{Error, ErrorKind};

use openssl::x509::X509;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::reach::STEP_TIMEOUT;
use crate::certificate::{text, times};
use crate::http::tls::{ConnectError, Server, TlsConfig};

/// The result of a handshake.
#[derive(Debug)]
pub(super) struct HandshakeResult {
    /// The server's own certificate, if it sent one.
    pub(super) certificate: Option<PeerCertificate>,
    /// The TLS version.
    pub(super) version: &'static str,
}

/// A server's certificate: subject, issuer, expiry (seconds since 1970, UTC).
#[derive(Debug)]
pub(super) struct PeerCertificate {
    pub(super) subject: String,
    pub(super) issuer: String,
    pub(super) not_after: i64,
}

impl PeerCertificate {
    fn parse(der: &[u8]) -> Option<Self> {
        let certificate = X509::from_der(der).ok()?;
        let subject = text(certificate.subject_name());
        let issuer = text(certificate.issuer_name());
        Some(Self { subject, issuer, not_after: times(&certificate).1 })
    }
}

/// Runs a TLS handshake with a server over connections of `open`, and sends nothing else.
pub(super) async fn perform_handshake<F: Future<Output = Result<TcpStream, Error>> + Send>(
    tls: &TlsConfig,
    server: &Server,
    open: impl Fn() -> F + Send + Sync,
) -> Result<HandshakeResult, ConnectError> {
    let connecting = tls.connect(server, || {
        let opening = open();
        async { Ok(opening.await?) }
    });
    let late = |_| Error::new(ErrorKind::TimedOut, "TLS handshake timed out");
    let stream = timeout(2 * STEP_TIMEOUT, connecting).await.map_err(late)??;
    let certificate = stream.peer_certificate().and_then(|own| PeerCertificate::parse(&own));
    Ok(HandshakeResult { certificate, version: stream.version() })
}
