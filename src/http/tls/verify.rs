//! Verification of the server's certificate.

use std::sync::Arc;
use std::time::Duration;

use openssl::x509::X509;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::ca_file::ListedCertificate;
use super::revocation::is_revoked;
use super::roots::TrustAnchors;
use super::untrusted::untrusted;
use crate::certificate::{self, authority};

/// How the server's certificate is verified.
#[derive(Debug)]
pub(super) enum ServerTrust {
    /// Requires a certificate that is trusted itself or signed by a trusted CA.
    Verified(TrustAnchors),
    /// Accepts any certificate: for `--insecure`.
    AcceptAny,
}

/// Verifies the server's certificate against trusted CAs and their CRLs. The handshake signatures are always verified,
/// so that the server has the private key of its certificate.
#[derive(Debug)]
pub(super) struct Verifier {
    pub(super) trust: Arc<ServerTrust>,
    pub(super) provider: Arc<CryptoProvider>,
}

impl Verifier {
    /// Verifies that one of the listed anchors has signed the server's certificate, and that it is valid now and for the
    /// host name.
    fn verify(
        &self,
        roots: &TrustAnchors,
        listed: &[ListedCertificate],
        presented: &PresentedCertificates<'_>,
    ) -> Result<(), Error> {
        let anchors = roots.anchors(listed, presented.seconds());
        let certificate = ParsedCertificate::try_from(presented.own)?;
        let algorithms = self.provider.signature_verification_algorithms.all;
        // webpki does not check keyUsage, and reports errors of intermediates as if they were the server's own.
        let is_rejected = |one: &CertificateDer<'_>| listed.iter().any(|it| it.is_rejected && it.certificate == *one);
        let is_fit =
            |one: &&CertificateDer<'_>| authority::unfit(one, presented.seconds()).is_none() && !is_rejected(one);
        let others: Vec<_> = presented.others.iter().filter(is_fit).collect();
        let mut verified = Err(Error::InvalidCertificate(CertificateError::UnknownIssuer));
        for (anchors, others) in anchors.with_intermediates(presented.own, &others) {
            verified =
                verify_server_cert_signed_by_trust_anchor(&certificate, &anchors, &others, presented.now, algorithms);
            if !verified.as_ref().is_err_and(is_unknown) {
                break;
            }
        }
        verified?;
        if let Some(name) = presented.name {
            verify_server_name(&certificate, name)?;
        }
        // OpenSSL is asked next, and says which usage is missing.
        if authority::has_usage_of_servers(presented.own) {
            Ok(())
        } else {
            Err(Error::InvalidCertificate(CertificateError::InvalidPurpose))
        }
    }

    /// Verifies the server's certificate, also against the CRLs.
    pub(super) fn verify_presented(&self, presented: &PresentedCertificates<'_>) -> Result<(), Error> {
        let ServerTrust::Verified(roots) = &*self.trust else { return Ok(()) };
        self.verify_issuer(roots, presented)?;
        if is_revoked(presented.own, presented.others, roots, presented.seconds()) {
            return Err(Error::InvalidCertificate(CertificateError::Revoked));
        }
        Ok(())
    }

    fn verify_issuer(&self, roots: &TrustAnchors, presented: &PresentedCertificates<'_>) -> Result<(), Error> {
        let all = presented.all();
        match self.verify(roots, &roots.signers(&all), presented) {
            Err(error) if is_unknown(&error) || is_authority(&error) => {
                self.look_further(roots, presented, &all, error)
            }
            other => other,
        }
    }

    /// Checks further whether the server's certificate itself is trusted, or signed by a CA in a directory without
    /// current hashes.
    fn look_further(
        &self,
        roots: &TrustAnchors,
        presented: &PresentedCertificates<'_>,
        all: &[CertificateDer<'_>],
        error: Error,
    ) -> Result<(), Error> {
        if roots.contains(presented.own) {
            return presented.is_good_itself();
        }
        let listed = roots.search(all);
        if listed.iter().any(|one| one.certificate == *presented.own && !one.is_rejected) {
            return presented.is_good_itself();
        }
        let again = if is_unknown(&error) && !roots.folders().is_empty() {
            self.verify(roots, &listed, presented)
        } else {
            Err(error)
        };
        // A CA's certificate as the server's own is left to OpenSSL, which may accept it.
        again.map_err(
            |error| {
                if is_unknown(&error) { untrusted(all, &listed, roots, presented.seconds()) } else { error }
            },
        )
    }
}

/// Returns whether no anchor has signed the certificate, or none whose path length constraint allows it.
fn is_unknown(error: &Error) -> bool {
    matches!(error, Error::InvalidCertificate(CertificateError::UnknownIssuer))
        || is_error_of_webpki(error, "PathLenConstraintViolated")
}

/// Returns whether the server sent a CA certificate as its own.
fn is_authority(error: &Error) -> bool {
    is_error_of_webpki(error, "CaUsedAsEndEntity")
}

/// Returns whether this is an error of webpki without a kind of its own in rustls.
fn is_error_of_webpki(error: &Error, name: &str) -> bool {
    matches!(error, Error::InvalidCertificate(CertificateError::Other(why)) if why.to_string() == name)
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.verify_presented(&PresentedCertificates { own, others, name: Some(name), now })?;
        Ok(ServerCertVerified::assertion())
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

/// The server's certificates and name in a handshake.
pub(super) struct PresentedCertificates<'a> {
    pub(super) own: &'a CertificateDer<'a>,
    pub(super) others: &'a [CertificateDer<'a>],
    /// `None`: the caller verifies the name.
    pub(super) name: Option<&'a ServerName<'a>>,
    pub(super) now: UnixTime,
}

impl PresentedCertificates<'_> {
    /// Returns all certificates, the server's own first.
    fn all(&self) -> Vec<CertificateDer<'_>> {
        std::iter::once(self.own).chain(self.others).cloned().collect()
    }

    /// Returns the time in seconds since 1970.
    fn seconds(&self) -> i64 {
        i64::try_from(self.now.as_secs()).unwrap_or(i64::MAX)
    }

    /// Verifies a certificate that is itself trusted: validity period, purpose and host name. It is not used as a CA.
    fn is_good_itself(&self) -> Result<(), Error> {
        let time = self.now;
        let fault = |fault| Err(Error::InvalidCertificate(fault));
        let bad = |_| Error::InvalidCertificate(CertificateError::BadEncoding);
        let own = X509::from_der(self.own).map_err(bad)?;
        let (not_before, not_after) = certificate::times(&own);
        let at = |seconds: i64| UnixTime::since_unix_epoch(Duration::from_secs(seconds.max(0).unsigned_abs()));
        let not_before = at(not_before);
        let not_after = at(not_after);
        if time > not_after {
            return fault(CertificateError::ExpiredContext { time, not_after });
        }
        if time < not_before {
            return fault(CertificateError::NotValidYetContext { time, not_before });
        }
        if !authority::is_for_tls_servers(self.own) {
            return fault(CertificateError::InvalidPurpose);
        }
        match self.name {
            Some(name) => verify_server_name(&ParsedCertificate::try_from(self.own)?, name),
            None => Ok(()),
        }
    }
}
