//! Lists of revoked certificates (CRLs, RFC 5280) in a folder of authorities: `0a1b2c3d.r0`.
//!
//! Grid sites fetch these lists every few hours, or forgot to years ago. That a list is old or damaged says nothing about
//! a server, so no connection fails for it; what a list names stays revoked, however old the list.

use std::path::Path;

use openssl::x509::{CrlStatus, X509, X509Crl};
use rustls_pki_types::CertificateDer;

use super::roots::{Roots, numbered};
use crate::certificate::authority::unfit;

/// Whether the signer of this certificate has revoked it. Only that signer's lists are read. `others` are the
/// certificates that came with it, among which the signer may be; it must be a fit authority now (seconds since 1970).
pub(super) fn is_revoked(
    certificate: &CertificateDer<'_>,
    others: &[CertificateDer<'_>],
    roots: &Roots,
    now: i64,
) -> bool {
    // Most have no folder of authorities, and need not wait for OpenSSL to begin.
    if roots.folders().is_empty() {
        return false;
    }
    let shown = std::slice::from_ref(certificate);
    let Ok(certificate) = X509::from_der(certificate) else { return false };
    let hash = certificate.issuer_name_hash();
    roots.folders().iter().any(|folder| {
        numbered(folder, hash, "r").any(|list| {
            let listed = || roots.signers(shown).into_iter().map(|one| one.certificate);
            let signers = || others.iter().cloned().chain(listed()).filter(|one| unfit(one, now).is_none());
            names(&list, &certificate, signers).unwrap_or_else(|why_not| {
                tracing::debug!("The list of revoked certificates {} is passed over: {why_not}", list.display());
                false
            })
        })
    })
}

/// Whether this list names the certificate. Whoever can sign for the authority can take a server out of use, so the list
/// must be the authority's own.
fn names<'a, I: Iterator<Item = CertificateDer<'a>>>(
    list: &Path,
    certificate: &X509,
    signers: impl Fn() -> I,
) -> Result<bool, String> {
    let bytes = std::fs::read(list).map_err(|error| error.to_string())?;
    let list = X509Crl::from_pem(&bytes).or_else(|_| X509Crl::from_der(&bytes)).map_err(|_| "it is damaged")?;
    if !matches!(list.get_by_cert(certificate), CrlStatus::Revoked(_)) {
        return Ok(false);
    }
    let keys = signers().filter_map(|signer| X509::from_der(&signer).ok()?.public_key().ok());
    match keys.into_iter().any(|key| list.verify(&key).unwrap_or(false)) {
        true => Ok(true),
        false => Err("its signature is not that of the authority".to_owned()),
    }
}
