//! Whether a server is who it says it is.

use std::sync::Arc;
use std::time::Duration;

use openssl::x509::X509;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::revocation::is_revoked;
use super::roots::{Roots, USUAL, known_at};
use crate::certificate;

/// Nobody whom we trust vouches for the server.
#[derive(Debug, thiserror::Error)]
#[error("nobody who is trusted here vouches for the server: its certificate ({subject}) is signed by {issuer}")]
pub(super) struct Stranger {
    subject: String,
    issuer: String,
    /// Whom we trust.
    pub(super) trusted: String,
    /// A folder of this machine that has the authority.
    pub(super) known_at: Option<&'static str>,
}

/// Whom a server may be.
#[derive(Debug)]
pub(super) enum Trust {
    /// One for whom an authority vouches that is trusted here.
    Vouched(Roots),
    /// Whoever it says it is: what `--insecure` asks for.
    Anybody,
}

/// Looks for an authority that vouches for the server, and for its name on the lists of revoked certificates. The
/// signatures of the handshake are checked in any case, so that the key a server shows is one it has.
#[derive(Debug)]
pub(super) struct Verifier {
    pub(super) trust: Trust,
    pub(super) provider: Arc<CryptoProvider>,
}

impl Verifier {
    fn vouched(&self, store: Arc<RootCertStore>, shown: &Shown<'_>) -> Result<ServerCertVerified, Error> {
        let unknown = |_| Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let verifier = WebPkiServerVerifier::builder_with_provider(store, self.provider.clone()).build();
        let Shown { own, others, name, ocsp, now } = *shown;
        verifier.map_err(unknown)?.verify_server_cert(own, others, name, ocsp, now)
    }

    fn look(&self, roots: &Roots, shown: &Shown<'_>) -> Result<ServerCertVerified, Error> {
        let all: Vec<_> = std::iter::once(shown.own).chain(shown.others).cloned().collect();
        match self.vouched(roots.of(&all), shown) {
            Err(error) if is_authority(&error) && roots.include(shown.own) => shown.vouches_for_itself(),
            Err(error) if is_unknown(&error) && !roots.folders().is_empty() => self.vouched(roots.all(), shown),
            other => other,
        }
    }
}

fn is_unknown(error: &Error) -> bool {
    matches!(error, Error::InvalidCertificate(CertificateError::UnknownIssuer))
}

/// Whether a server shows the certificate of an authority as its own, which the verifier has no kind of error for.
fn is_authority(error: &Error) -> bool {
    matches!(error, Error::InvalidCertificate(CertificateError::Other(why)) if why.to_string() == "CaUsedAsEndEntity")
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Trust::Vouched(roots) = &self.trust else { return Ok(ServerCertVerified::assertion()) };
        let verified = self.look(roots, &Shown { own, others, name, ocsp, now }).map_err(|error| match error {
            error if is_unknown(&error) || is_authority(&error) => stranger(own, others, roots),
            other => other,
        })?;
        match is_revoked(own, others, roots.folders()) {
            true => Err(Error::InvalidCertificate(CertificateError::Revoked)),
            false => Ok(verified),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// What a server shows in its handshake.
struct Shown<'a> {
    own: &'a CertificateDer<'a>,
    others: &'a [CertificateDer<'a>],
    name: &'a ServerName<'a>,
    ocsp: &'a [u8],
    now: UnixTime,
}

impl Shown<'_> {
    /// Whether a certificate that is its own authority, and was named as one, is good for this server and now.
    fn vouches_for_itself(&self) -> Result<ServerCertVerified, Error> {
        let (time, fault) = (self.now, |fault| Err(Error::InvalidCertificate(fault)));
        let bad = |_| Error::InvalidCertificate(CertificateError::BadEncoding);
        let own = X509::from_der(self.own).map_err(bad)?;
        let (not_before, not_after) = certificate::times(&own);
        let at = |seconds: i64| UnixTime::since_unix_epoch(Duration::from_secs(seconds.max(0).unsigned_abs()));
        let (not_before, not_after) = (at(not_before), at(not_after));
        if time > not_after {
            return fault(CertificateError::ExpiredContext { time, not_after });
        }
        if time < not_before {
            return fault(CertificateError::NotValidYetContext { time, not_before });
        }
        verify_server_name(&ParsedCertificate::try_from(self.own)?, self.name)?;
        Ok(ServerCertVerified::assertion())
    }
}

fn stranger(own: &CertificateDer<'_>, others: &[CertificateDer<'_>], roots: &Roots) -> Error {
    let all: Vec<_> = std::iter::once(own).chain(others).cloned().collect();
    let known_at = known_at(&USUAL, &all);
    let Ok(own) = X509::from_der(own) else {
        return Error::InvalidCertificate(CertificateError::BadEncoding);
    };
    let (subject, issuer) = (certificate::text(own.subject_name()), certificate::text(own.issuer_name()));
    let issuer = if issuer == subject { "itself".to_owned() } else { issuer };
    let stranger = Stranger { subject, issuer, trusted: roots.describe(), known_at };
    Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(stranger))))
}
