//! Certificate revocation lists (CRLs, RFC 5280) in a hashed CA directory: `0a1b2c3d.r0`.
//!
//! Grid sites fetch CRLs every few hours, or stopped years ago. An old or damaged CRL says nothing about a server, so
//! no connection fails because of it; but a listed certificate is revoked, however old the CRL.

use std::path::Path;

use openssl::x509::{CrlStatus, X509, X509Crl};
use rustls_pki_types::CertificateDer;

use super::roots::{TrustAnchors, numbered};
use crate::certificate::authority::unfit;

/// Returns whether the issuer has revoked this certificate. Reads only the CRLs of that issuer. `others` are the
/// certificates sent with it, which may include the issuer; it must be a valid CA at the time `now` (seconds since
/// 1970).
pub(super) fn is_revoked(
    certificate: &CertificateDer<'_>,
    others: &[CertificateDer<'_>],
    roots: &TrustAnchors,
    now: i64,
) -> bool {
    // Most users have no CA directory: skip the initialisation of OpenSSL.
    if roots.folders().is_empty() {
        return false;
    }
    let presented = std::slice::from_ref(certificate);
    let Ok(certificate) = X509::from_der(certificate) else { return false };
    let hash = certificate.issuer_name_hash();
    roots.folders().iter().any(|folder| {
        numbered(folder, hash, "r").any(|list| {
            let listed = || roots.signers(presented).into_iter().map(|one| one.certificate);
            let signers = || others.iter().cloned().chain(listed()).filter(|one| unfit(one, now).is_none());
            names(&list, &certificate, signers).unwrap_or_else(|why_not| {
                tracing::debug!("The list of revoked certificates {} is ignored: {why_not}", list.display());
                false
            })
        })
    })
}

/// Returns whether this CRL lists the certificate. The CRL's signature must be that of the CA, as otherwise a
/// forged one could block a server.
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
    if keys.into_iter().any(|key| list.verify(&key).unwrap_or(false)) {
        Ok(true)
    } else {
        Err("its signature is not that of the CA".to_owned())
    }
}
