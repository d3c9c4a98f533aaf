//! Certificates and proxy certificates of users: subject, validity, chain and private key of a file; also the rules for
//! trust anchors (`authority`).
//! TLS connections are in `http::tls`, the authentication methods x509 and x509_proxy in `auth`.

pub(crate) mod authority;
mod der;
pub(crate) mod file;
mod name;
pub(crate) mod trust_settings;
mod validity;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::x509::{X509, X509Ref};

use crate::error::Result;
use crate::secret::Secret;
pub(crate) use der::sequence;
use file::{Contents, unusable};
pub(crate) use name::text;

/// Prompts for the pass phrase of the key in this file.
pub(crate) type AskPassphrase = Arc<dyn Fn(&Path) -> std::io::Result<Secret> + Send + Sync>;

/// Returns the prompt for the pass phrase of the key in this file.
pub(crate) fn question(key: &Path) -> String {
    format!("Pass phrase for {}: ", key.display())
}

/// A certificate, or a proxy certificate, and the rest of its file. Names are in the form of RFC 2253, as the server
/// shows them (`CN=John Doe,O=Testbed`); times are seconds since 1970, UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Certificate {
    pub file: PathBuf,
    pub subject: String,
    pub issuer: String,
    /// Start of validity.
    pub not_before: i64,
    /// End of validity.
    pub not_after: i64,
    /// Whether it is a proxy, and of which kind.
    pub kind: CertificateKind,
    /// The identity: the subject of the user's own certificate, also for a proxy.
    pub identity: String,
    /// The chain: this certificate first, each one issued by the next. Never empty.
    pub chain: Vec<Link>,
    /// Its private key.
    pub key: Key,
}

/// The kinds of certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CertificateKind {
    /// The certificate of a person, a service or a CA.
    Plain,
    /// A proxy with the extension proxyCertInfo (RFC 3820 or its draft).
    Proxy,
    /// A proxy of the old form: its name ends with `CN=proxy`.
    OldProxy,
    /// A proxy of the old form that may not start jobs: its name ends with `CN=limited proxy`.
    OldLimitedProxy,
}

/// A certificate of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    pub subject: String,
    /// Whether it is a proxy, and of which kind.
    pub kind: CertificateKind,
    /// Start of validity.
    pub not_before: i64,
    /// End of validity.
    pub not_after: i64,
}

/// The private key in the file of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    /// It is not in this file.
    Missing,
    /// It is in the file and not encrypted.
    Plain,
    /// It is in the file and encrypted with a pass phrase.
    Encrypted,
}

impl Certificate {
    /// Describes the first of these certificates, which have been read already.
    pub(crate) fn describe(path: &Path, certificates: &[X509], key: Key) -> Result<Self> {
        let Some(own) = certificates.first() else { return Err(unusable(path, "it holds no certificate")) };
        let chain = chain(certificates);
        let end_entity = chain.iter().find(|link| !CertificateKind::of(link).is_proxy());
        let last = chain[chain.len() - 1];
        let link = Link::from_certificate(own);
        Ok(Self {
            file: path.to_owned(),
            issuer: text(own.issuer_name()),
            // If the user's own certificate is not included, its name is that of the last proxy's issuer.
            identity: end_entity
                .map_or_else(|| text(last.issuer_name()), |certificate| text(certificate.subject_name())),
            chain: chain.into_iter().map(Link::from_certificate).collect(),
            subject: link.subject,
            kind: link.kind,
            not_before: link.not_before,
            not_after: link.not_after,
            key,
        })
    }

    /// Whether it is a proxy.
    pub(crate) fn is_proxy(&self) -> bool {
        self.kind.is_proxy()
    }

    /// Returns the certificate of the chain that expires first: the whole chain expires with it.
    pub(crate) fn ends(&self) -> &Link {
        first_to_end(&self.chain)
    }

    /// Returns the certificate of the chain that becomes valid last: the chain is not valid before it.
    pub(crate) fn begins(&self) -> &Link {
        last_to_begin(&self.chain)
    }
}

fn first_to_end(links: &[Link]) -> &Link {
    links.iter().min_by_key(|link| link.not_after).unwrap_or(&links[0])
}

fn last_to_begin(links: &[Link]) -> &Link {
    links.iter().max_by_key(|link| link.not_before).unwrap_or(&links[0])
}

impl CertificateKind {
    /// Whether it is a proxy.
    pub(crate) fn is_proxy(self) -> bool {
        self != Self::Plain
    }

    pub(crate) fn of(certificate: &X509Ref) -> Self {
        if certificate.to_der().is_ok_and(|der| der::has_proxy_cert_info(&der)) {
            return Self::Proxy;
        }
        // A proxy of the old form is issued by the identity that it represents.
        let subject = text(certificate.subject_name());
        let issuer = text(certificate.issuer_name());
        match subject.strip_suffix(&issuer) {
            Some("CN=proxy,") => Self::OldProxy,
            Some("CN=limited proxy,") => Self::OldLimitedProxy,
            _ => Self::Plain,
        }
    }
}

impl Link {
    fn from_certificate(certificate: &X509Ref) -> Self {
        let (not_before, not_after) = times(certificate);
        Self {
            subject: text(certificate.subject_name()),
            kind: CertificateKind::of(certificate),
            not_before,
            not_after,
        }
    }
}

/// Reads the file of a certificate or a proxy, in PEM form or PKCS#12. `ask` returns the pass phrase of PKCS#12; a key
/// in PEM form is not decrypted. Contacts no server: it is unknown whether one would accept the certificate.
///
/// # Errors
/// An I/O error if the file cannot be read; `CannotAuthenticate` if it has no certificate, or cannot be decrypted.
pub(crate) fn inspect(path: &Path, ask: Option<&AskPassphrase>) -> Result<Certificate> {
    let contents = Contents::read(path, ask)?;
    Certificate::describe(path, &contents.certificates, contents.key.kind())
}

/// Returns the first certificate and its issuers, in order.
pub(crate) fn chain(certificates: &[X509]) -> Vec<&X509Ref> {
    let mut chain: Vec<&X509Ref> = certificates.first().into_iter().map(|own| &**own).collect();
    while let Some(signer) = chain.last().and_then(|last| {
        let signs = |one: &&X509| text(one.subject_name()) == text(last.issuer_name());
        certificates.iter().filter(signs).find(|one| !chain.iter().any(|known| std::ptr::eq(*known, &***one)))
    }) {
        chain.push(signer);
    }
    chain
}

/// Returns start and end of validity, in seconds since 1970, UTC.
pub(crate) fn times(certificate: &X509Ref) -> (i64, i64) {
    (seconds(certificate.not_before()), seconds(certificate.not_after()))
}

fn seconds(time: &Asn1TimeRef) -> i64 {
    let since = Asn1Time::from_unix(0).and_then(|start| start.diff(time));
    since.map_or(0, |since| i64::from(since.days) * 86_400 + i64::from(since.secs))
}

/// Returns the names of issuer and subject in DER form; `None` if the certificate is malformed.
pub(crate) fn names(certificate: &[u8]) -> Option<(&[u8], &[u8])> {
    der::Fields::of(certificate).map(|fields| (fields.issuer, fields.subject))
}

#[cfg(test)]
mod tests;
