//! Runs a TLS handshake and returns what the server shows, trusted or not.

use std::io;
use std::net::TcpStream;
use std::sync::Arc;

use openssl::x509::X509;
use rustls::{ClientConfig, ClientConnection};
use rustls_pki_types::ServerName;

use super::reach::STEP_TIMEOUT;
use crate::certificate::{text, times};

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

/// Runs a TLS handshake with the server of that name and this configuration, and sends nothing else. Blocking: needs a
/// thread of its own.
pub(super) fn perform_handshake(
    stream: &mut TcpStream,
    host: &str,
    config: ClientConfig,
) -> io::Result<HandshakeResult> {
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let mut connection = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(STEP_TIMEOUT))?;
    stream.set_write_timeout(Some(STEP_TIMEOUT))?;
    while connection.is_handshaking() {
        connection.complete_io(stream)?;
    }
    let version = match connection.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_3) => "TLS 1.3",
        _ => "TLS 1.2",
    };
    let certificate = connection.peer_certificates().and_then(|chain| PeerCertificate::parse(chain.first()?));
    Ok(HandshakeResult { certificate, version })
}
