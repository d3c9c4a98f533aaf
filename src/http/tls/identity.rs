//! Client certificates for the handshake: a certificate or a proxy, with its chain.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private};
use openssl::ssl::SslContextBuilder;
use openssl::x509::{X509, X509Ref};
use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::certificate::file::{Contents, FileKey, unusable};
use crate::certificate::{self, AskPassphrase, Certificate};
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::hint::{Hint, Parameter};

tokio::task_local! {
    /// Whether the server has requested a certificate in the handshake that this task runs.
    static IS_REQUESTED: Arc<AtomicBool>;
}

/// Runs a handshake. Also returns whether the server has requested a client certificate.
pub(super) async fn notice_requests<H: Future>(handshake: H) -> (H::Output, bool) {
    let is_requested = Arc::new(AtomicBool::new(false));
    let outcome = IS_REQUESTED.scope(is_requested.clone(), handshake).await;
    (outcome, is_requested.load(Ordering::Relaxed))
}

/// A client certificate chain with its private key, ready for a handshake.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Chain and key in the form of rustls; `None` if it does not support this kind of key.
    certified: Option<Arc<CertifiedKey>>,
    /// Chain and key in the form of OpenSSL.
    chain: Arc<[X509]>,
    key: PKey<Private>,
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
        let chain: Arc<[X509]> =
            certificate::chain(&contents.certificates).into_iter().map(X509Ref::to_owned).collect();
        let certified = certified(&chain, &key, key_path)?.map(Arc::new);
        Ok(Self { certified, chain, key, certificate: Arc::new(certificate) })
    }

    /// Returns the description of the certificate.
    pub(crate) fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Returns the certificate, followed by its issuers as far as they are in the file.
    pub(crate) fn chain(&self) -> &[X509] {
        &self.chain
    }

    /// Returns the private key.
    pub(crate) fn key(&self) -> &PKey<Private> {
        &self.key
    }

    /// Whether rustls supports this kind of key.
    pub(super) fn suits_rustls(&self) -> bool {
        self.certified.is_some()
    }

    /// Presents certificate and chain in handshakes of OpenSSL. Errors: the key is too short for OpenSSL.
    pub(super) fn present(&self, context: &mut SslContextBuilder) -> Result<(), ErrorStack> {
        let Some((own, issuers)) = self.chain.split_first() else { return Ok(()) };
        context.set_certificate(own)?;
        for issuer in issuers {
            context.add_extra_chain_cert(issuer.clone())?;
        }
        context.set_private_key(&self.key)
    }
}

impl ResolvesClientCert for Identity {
    /// Ignores the server's list of issuers: there is only one certificate to offer.
    fn resolve(&self, _issuers: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        IS_REQUESTED.try_with(|is_requested| is_requested.store(true, Ordering::Relaxed)).ok();
        let certified = self.certified.as_ref()?;
        certified.key.choose_scheme(schemes).map(|_| certified.clone())
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

/// Converts chain and key for rustls; `None` if it does not support this kind of key.
fn certified(chain: &[X509], key: &PKey<Private>, key_path: &Path) -> Result<Option<CertifiedKey>> {
    let unusable = |error: ErrorStack| unusable(key_path, &format!("its key cannot be used ({error})"));
    let chain = chain.iter().map(|one| one.to_der().map(CertificateDer::from)).collect::<Result<_, _>>();
    let der = key.private_key_to_pkcs8().map_err(unusable)?;
    let key = rustls::crypto::ring::sign::any_supported_type(&PrivateKeyDer::Pkcs8(der.into())).ok();
    let chain = chain.map_err(unusable)?;
    Ok(key.map(|key| CertifiedKey::new(chain, key)))
}
