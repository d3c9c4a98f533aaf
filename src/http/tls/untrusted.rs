//! Errors for server certificates without a trust anchor: unknown CA, or a CA certificate that cannot be used.

use std::collections::HashSet;
use std::fmt::{Display, Formatter};
use std::sync::{Arc, Mutex};

use openssl::x509::X509;
use rustls::{CertificateError, Error, OtherError};
use rustls_pki_types::CertificateDer;

use super::ca_file::ListedCertificate;
use super::roots::{TrustAnchors, USUAL_FOLDERS, known_at};
use crate::certificate::{
    self,
    authority::{Unfit, most_below, unfit},
};
use crate::hint::{Hint, Parameter};
use crate::lock::lock;

/// Returns the hint if the server's certificate is not signed by a trusted CA.
pub(super) fn name_ca() -> Hint {
    Hint::parameters("Name the CA that signed it", [Parameter::CaCertificate])
}

/// A server certificate that is not signed by a trust anchor.
#[derive(Debug)]
pub(super) struct Untrusted {
    subject: String,
    issuer: String,
    /// Trusted files and directories.
    trusted: String,
    /// Directory on this machine that contains the CA.
    known_at: Option<&'static str>,
    /// CA certificates that signed it but cannot be used.
    unfit: Vec<UnfitSigner>,
    /// Whether a usable trusted CA has signed one of the certificates that the server sent.
    is_signed: bool,
}

/// A CA certificate that signed one of the server's certificates but cannot be used.
#[derive(Debug)]
struct UnfitSigner {
    /// Its file; `None` if the server sent it.
    file: Option<String>,
    subject: String,
    why: Unfit,
}

impl Display for UnfitSigner {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let Self { file, subject, why } = self;
        let file = file.as_deref().unwrap_or("that the server sent");
        write!(f, "CA certificate {file} ({subject}) is not used: {why}")
    }
}

impl Display for Untrusted {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let Self { subject, issuer, unfit, .. } = self;
        if unfit.is_empty() {
            return write!(f, "the server's certificate is not trusted (unknown CA): {subject} is signed by {issuer}");
        }
        let unfit: Vec<_> = unfit.iter().map(UnfitSigner::to_string).collect();
        write!(f, "the server's certificate ({subject}) is not trusted, since the {}", unfit.join(", and the "))
    }
}

impl std::error::Error for Untrusted {}

impl Untrusted {
    /// Whether a usable trusted CA has signed one of the certificates, so that the rest of the chain, or the CA's own
    /// certificate, is at fault.
    pub(super) fn is_signed(&self) -> bool {
        self.is_signed
    }

    /// Returns the hints.
    pub(super) fn hints(&self) -> Vec<Hint> {
        let mut hints = match self.unfit.first() {
            Some(UnfitSigner { file: None, .. }) => return vec!["Tell the server's administrators.".into()],
            Some(UnfitSigner { why, .. }) => vec![why.remedy().into()],
            None => vec![name_ca(), format!("It is not in {}.", self.trusted).into()],
        };
        if let Some(folder) = self.known_at {
            let value = (Parameter::CaCertificate, folder.to_owned());
            hints.push(Hint::values(format!("The CA is in {folder}"), [value]));
        }
        hints
    }
}

/// Creates the error for server certificates (its own first) that no trust anchor has signed. `listed` are the trusted
/// certificates with the names of their issuers; `now` is in seconds since 1970. Warns of each unusable issuer once per
/// process.
pub(super) fn untrusted(
    presented: &[CertificateDer<'_>],
    listed: &[ListedCertificate],
    roots: &TrustAnchors,
    now: i64,
) -> Error {
    let certificates: Vec<_> = presented.iter().filter_map(|one| X509::from_der(one).ok()).collect();
    let Some(own) = certificates.first() else {
        return Error::InvalidCertificate(CertificateError::BadEncoding);
    };
    let subject = certificate::text(own.subject_name());
    let issuer = certificate::text(own.issuer_name());
    let issuer = if issuer == subject { "itself".to_owned() } else { issuer };
    let unfit = unfit_signers(&certificates, presented, listed, now);
    unfit.iter().filter(|signer| signer.file.is_some()).for_each(warn_once);
    let untrusted = Untrusted {
        subject,
        issuer,
        trusted: roots.describe(),
        known_at: known_at(&USUAL_FOLDERS, presented, now),
        is_signed: unfit.is_empty() && is_signed(&certificates, listed),
        unfit,
    };
    Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(untrusted))))
}

/// Returns the unusable signers: first those from trusted sources, then those sent by the server.
fn unfit_signers(
    certificates: &[X509],
    presented: &[CertificateDer<'_>],
    listed: &[ListedCertificate],
    now: i64,
) -> Vec<UnfitSigner> {
    let is_listed = |sent: &&CertificateDer<'_>| listed.iter().any(|one| one.certificate == **sent);
    let listed = listed.iter().map(|one| (Some(one.file.display().to_string()), &one.certificate, one.unfit(now)));
    let sent = presented.iter().skip(1).filter(|one| !is_listed(one)).map(|one| (None, one, unfit(one, now)));
    let signers = listed.chain(sent).filter_map(|(file, certificate, unfit)| {
        let signer = X509::from_der(certificate).ok()?;
        let of_server = certificates.iter().position(|one| has_signed(&signer, one))?;
        let too_far = || most_below(certificate).filter(|most| of_server > *most).map(Unfit::TooFar);
        let why = unfit.or_else(too_far)?;
        Some(UnfitSigner { file, subject: certificate::text(signer.subject_name()), why })
    });
    signers.collect()
}

/// Returns whether one of the trusted certificates has signed one of these.
fn is_signed(certificates: &[X509], listed: &[ListedCertificate]) -> bool {
    let mut signers = listed.iter().filter_map(|one| X509::from_der(&one.certificate).ok());
    signers.any(|signer| certificates.iter().any(|one| has_signed(&signer, one)))
}

/// Returns whether the certificate has a valid signature by this key; checks nothing else.
fn has_signed(signer: &X509, certificate: &X509) -> bool {
    signer.public_key().is_ok_and(|key| certificate.verify(&key).unwrap_or(false))
}

fn warn_once(signer: &UnfitSigner) {
    static WARNED: Mutex<Option<HashSet<String>>> = Mutex::new(None);
    let text = signer.to_string();
    let mut warned = lock(&WARNED);
    if warned.get_or_insert_default().insert(text.clone()) {
        tracing::warn!("The {text}. {}", signer.why.remedy());
    }
}
