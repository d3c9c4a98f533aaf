//! A TLS handshake, and what the server shows in it, also where it is not trusted.

use std::io;
use std::net::TcpStream;
use std::sync::Arc;

use openssl::x509::X509;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::reach::PATIENCE;
use crate::auth::certificate::{text, times};
use crate::error::{Error, Result};
use crate::exceptions::Exception;

/// What a handshake brought to light.
#[derive(Debug)]
pub(super) struct Seen {
    /// The server's own certificate, if it showed one.
    pub(super) certificate: Option<Shown>,
    /// The version of TLS.
    pub(super) version: &'static str,
}

/// A server's certificate: whose, by whom, until when (seconds since 1970, UTC).
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) subject: String,
    pub(super) issuer: String,
    pub(super) not_after: i64,
}

impl Shown {
    fn of(der: &[u8]) -> Option<Self> {
        let certificate = X509::from_der(der).ok()?;
        let (subject, issuer) = (text(certificate.subject_name()), text(certificate.issuer_name()));
        Some(Self { subject, issuer, not_after: times(&certificate).1 })
    }
}

/// Shakes hands with the server of that name, by these settings. Nothing but the handshake is sent. It waits, so it
/// wants a thread.
pub(super) fn shake(stream: &mut TcpStream, host: &str, config: ClientConfig) -> io::Result<Seen> {
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let mut connection = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    while connection.is_handshaking() {
        connection.complete_io(stream)?;
    }
    let version = match connection.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_3) => "TLS 1.3",
        _ => "TLS 1.2",
    };
    let certificate = connection.peer_certificates().and_then(|chain| Shown::of(chain.first()?));
    Ok(Seen { certificate, version })
}

/// Settings that take any certificate, to look at one that is not trusted. Nothing is ever sent over such a connection.
pub(super) fn curious() -> Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let schemes = provider.signature_verification_algorithms.supported_schemes();
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|error| Error::new(Exception::ServerConnectionException, error.to_string()))?;
    let verifier = Arc::new(Anything(schemes));
    Ok(config.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

#[derive(Debug)]
struct Anything(Vec<SignatureScheme>);

impl ServerCertVerifier for Anything {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.clone()
    }
}
