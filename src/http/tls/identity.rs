//! Client certificates for the handshake: a certificate or a proxy, with its chain.
//!
//! reqwest's own `Identity` rejects proxies (they have a critical extension), so there is a resolver of our own.

use std::path::Path;
use std::sync::Arc;

use openssl::pkey::{PKey, Private};
use openssl::x509::X509;
use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::certificate::file::{Contents, FileKey, unusable};
use crate::certificate::{self, AskPassphrase, Certificate};
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::hint::{Hint, Parameter};

/// A client certificate chain with its private key, ready for a handshake.
#[derive(Debug, Clone)]
pub struct Identity {
    key: Arc<CertifiedKey>,
    certificate: Arc<Certificate>,
}

impl Identity {
    /// Reads certificate and chain from `cert` (PEM or PKCS#12) and the key from `key`; without one, or if `cert` is
    /// PKCS#12 with a key, from `cert`. `ask` returns the passphrase of an encrypted key. A certificate that is not
    /// valid now is rejected, because the server would not report the reason.
    ///
    /// # Errors
    /// `CannotAuthenticate` with the reason and a hint; an I/O error if a file cannot be read.
    pub fn load(cert: &Path, key: Option<&Path>, ask: &AskPassphrase) -> Result<Self> {
        let mut contents = Contents::read(cert, Some(ask))?;
        let kind = contents.key.kind();
        Certificate::describe(cert, &contents.certificates, kind)?.require_good()?;
        let (key_path, key) = match key {
            Some(path) if !matches!(contents.key, FileKey::Opened(_)) => (path, Contents::read(path, Some(ask))?.key),
            _ => (cert, std::mem::replace(&mut contents.key, FileKey::None)),
        };
        let key = key.open(key_path, ask)?.ok_or_else(|| no_key(key_path))?;
        own_first(&mut contents.certificates, &key);
        let certificate = Certificate::describe(cert, &contents.certificates, kind)?;
        require_pair(&certificate, &contents.certificates[0], &key, key_path)?;
        certificate.require_good()?;
        Ok(Self {
            key: Arc::new(certified(&contents.certificates, &key, key_path)?),
            certificate: Arc::new(certificate),
        })
    }

    /// Returns the description of the certificate.
    pub(crate) fn certificate(&self) -> &Certificate {
        &self.certificate
    }
}

impl ResolvesClientCert for Identity {
    /// Ignores the server's list of issuers: there is only one certificate to offer.
    fn resolve(&self, _issuers: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.key.key.choose_scheme(schemes).map(|_| self.key.clone())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// Moves the certificate of this key to the front: in hand-made files it may be anywhere.
fn own_first(certificates: &mut Vec<X509>, key: &PKey<Private>) {
    if let Some(own) = certificates.iter().position(|certificate| fits(certificate, key)) {
        let own = certificates.remove(own);
        certificates.insert(0, own);
    }
}

fn fits(certificate: &X509, key: &PKey<Private>) -> bool {
    certificate.public_key().is_ok_and(|public| public.public_eq(key))
}

fn require_pair(certificate: &Certificate, own: &X509, key: &PKey<Private>, key_path: &Path) -> Result<()> {
    let cert = certificate.file.display();
    let subject = &certificate.subject;
    let what = if certificate.file == key_path {
        format!("The key in {cert} is not that of its certificate ({subject}).")
    } else {
        format!("The key {} is not that of the certificate {cert} ({subject}).", key_path.display())
    };
    if fits(own, key) {
        Ok(())
    } else {
        Err(Error::new(Exception::CannotAuthenticate, what).with_hint(Hint::parameters(
            "Name two that belong together",
            [Parameter::Certificate, Parameter::ClientKey],
        )))
    }
}

fn no_key(path: &Path) -> Error {
    unusable(path, "it contains no private key")
        .with_hint(Hint::parameters("Name the file of the key", [Parameter::ClientKey]))
        .with_hint("Or put the key into the file of the certificate.")
}

/// Builds the certificate chain as far as the issuers are known.
fn certified(certificates: &[X509], key: &PKey<Private>, key_path: &Path) -> Result<CertifiedKey> {
    let unsupported = |why: String| unusable(key_path, &format!("its key cannot be used ({why})"));
    let chain = certificate::chain(certificates).into_iter();
    let chain = chain.map(|one| one.to_der().map(CertificateDer::from)).collect::<Result<_, _>>();
    let der = key.private_key_to_pkcs8().map_err(|error| unsupported(error.to_string()))?;
    let key = rustls::crypto::ring::sign::any_supported_type(&PrivateKeyDer::Pkcs8(der.into()))
        .map_err(|error| unsupported(error.to_string()))?;
    Ok(CertifiedKey::new(chain.map_err(|error| unsupported(error.to_string()))?, key))
}
