//! Judges the server's certificate with what OpenSSL found, by the rules and in the words of [`super::super::verify`].

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::stack::Stack;
use openssl::x509::{GeneralName, X509, X509Ref, X509StoreContext, X509StoreContextRef, X509VerifyResult};
use rustls::{CertificateError as Fault, Error, OtherError};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::failure::Refusal;
use crate::certificate::{self, times};
use crate::http::tls::revocation::is_revoked;
use crate::http::tls::roots::TrustAnchors;
use crate::http::tls::untrusted::untrusted;
use crate::http::tls::verify::ServerTrust;
use crate::time::unix_time;

/// OpenSSL's codes of reasons why a certificate is refused (`X509_V_ERR_...`).
mod code {
    pub(super) const NO_ISSUER: i32 = 2;
    /// The CA has the right name and another key.
    pub(super) const SIGNATURE: i32 = 7;
    pub(super) const NOT_YET_VALID: i32 = 9;
    pub(super) const EXPIRED: i32 = 10;
    pub(super) const SELF_SIGNED: i32 = 18;
    pub(super) const SELF_SIGNED_IN_CHAIN: i32 = 19;
    pub(super) const NO_LOCAL_ISSUER: i32 = 20;
    pub(super) const NO_LEAF_SIGNATURE: i32 = 21;
    pub(super) const REVOKED: i32 = 23;
    pub(super) const NO_CA: i32 = 79;
    pub(super) const PATH_LENGTH: i32 = 25;
    pub(super) const PURPOSE: i32 = 26;
    pub(super) const NO_CERT_SIGN: i32 = 32;
    pub(super) const CRITICAL_EXTENSION: i32 = 34;
    pub(super) const OTHER_HOST: i32 = 62;
    pub(super) const OTHER_ADDRESS: i32 = 64;
    pub(super) const KEY_TOO_SMALL: i32 = 66;
    pub(super) const CA_KEY_TOO_SMALL: i32 = 67;
    pub(super) const DIGEST_TOO_WEAK: i32 = 68;
}

/// Called for each certificate of the chain, that of the server last. Returns why it is refused.
pub(super) fn judge(
    is_good: bool,
    context: &mut X509StoreContextRef,
    trust: &Arc<ServerTrust>,
    host: &str,
) -> Result<(), Error> {
    let ServerTrust::Verified(trusted) = &**trust else { return Ok(()) };
    if !is_good {
        return Err(refusal(context, trusted, host));
    }
    if context.error_depth() == 0 && has_been_revoked(context, trusted) {
        return Err(Error::InvalidCertificate(Fault::Revoked));
    }
    Ok(())
}

/// Verifies a certificate that was presented outside of TLS, and not its name.
pub(in crate::http::tls) fn verify_alone(trusted: &TrustAnchors, own: &X509) -> Result<(), Error> {
    let failed = |error: ErrorStack| Refusal::error(error.to_string());
    let store = super::anchors::store(trusted).map_err(failed)?;
    let (mut context, mut verdict) = (X509StoreContext::new().map_err(failed)?, Ok(()));
    let none = Stack::new().map_err(failed)?;
    let judged = context.init(&store, own, &none, |context| {
        verdict = match context.verify_cert()? {
            true if has_been_revoked(context, trusted) => Err(Error::InvalidCertificate(Fault::Revoked)),
            true => Ok(()),
            false => Err(refusal(context, trusted, "")),
        };
        Ok(())
    });
    judged.map_err(failed).and(verdict)
}

fn has_been_revoked(context: &X509StoreContextRef, trusted: &TrustAnchors) -> bool {
    let chain = chain(context);
    chain.split_first().is_some_and(|(own, others)| is_revoked(own, others, trusted, unix_time()))
}

/// Returns the chain as far as it is known, the server's certificate first.
fn chain(context: &X509StoreContextRef) -> Vec<CertificateDer<'static>> {
    let chain = context.chain().into_iter().flatten();
    let mut chain: Vec<_> = chain.filter_map(der).collect();
    if chain.is_empty() {
        chain.extend(context.current_cert().and_then(der));
    }
    chain
}

fn der(certificate: &X509Ref) -> Option<CertificateDer<'static>> {
    certificate.to_der().ok().map(CertificateDer::from)
}

/// Returns the reason in the form of rustls, which has the words for it.
fn refusal(context: &X509StoreContextRef, trusted: &TrustAnchors, host: &str) -> Error {
    let is_own = context.error_depth() == 0;
    let now = UnixTime::since_unix_epoch(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default());
    let time = |seconds: i64| UnixTime::since_unix_epoch(Duration::from_secs(seconds.max(0).unsigned_abs()));
    let certificate = context.current_cert();
    let (not_before, not_after) = certificate.map(times).unwrap_or_default();
    let fault = match context.error().as_raw() {
        code::EXPIRED if is_own => Fault::ExpiredContext { time: now, not_after: time(not_after) },
        code::NOT_YET_VALID if is_own => Fault::NotValidYetContext { time: now, not_before: time(not_before) },
        code::OTHER_HOST | code::OTHER_ADDRESS => other_host(certificate, host),
        code::REVOKED => Fault::Revoked,
        code::PURPOSE if is_own => Fault::InvalidPurpose,
        code::NO_ISSUER
        | code::SIGNATURE
        | code::EXPIRED
        | code::NOT_YET_VALID
        | code::SELF_SIGNED
        | code::SELF_SIGNED_IN_CHAIN
        | code::NO_LOCAL_ISSUER
        | code::NO_LEAF_SIGNATURE
        | code::NO_CA
        | code::PATH_LENGTH
        | code::PURPOSE
        | code::NO_CERT_SIGN => {
            let chain = chain(context);
            return untrusted(&chain, &trusted.search(&chain), trusted, unix_time());
        }
        _ => Fault::Other(OtherError(Arc::new(Refusal { reason: in_words(context.error(), certificate, is_own) }))),
    };
    Error::InvalidCertificate(fault)
}

fn other_host(certificate: Option<&X509Ref>, host: &str) -> Fault {
    let Ok(expected) = ServerName::try_from(host.to_owned()) else { return Fault::NotValidForName };
    let names = certificate.and_then(X509Ref::subject_alt_names).into_iter().flatten();
    let text = |name: GeneralName| {
        let address = || Some(ip_address(name.ipaddress()?)?.to_string());
        name.dnsname().map(str::to_owned).or_else(address)
    };
    Fault::NotValidForNameContext { expected, presented: names.filter_map(text).collect() }
}

fn ip_address(octets: &[u8]) -> Option<IpAddr> {
    let v4 = || <[u8; 4]>::try_from(octets).map(IpAddr::from);
    v4().or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from)).ok()
}

/// Says why a certificate is refused, in OpenSSL's terms.
fn in_words(error: X509VerifyResult, certificate: Option<&X509Ref>, is_own: bool) -> String {
    let subject = certificate.map(|one| certificate::text(one.subject_name())).unwrap_or_default();
    let which = if is_own { "the server's certificate".to_owned() } else { format!("the CA certificate {subject}") };
    match error.as_raw() {
        code::CRITICAL_EXTENSION => format!("{which} has a critical extension that is not supported"),
        code::KEY_TOO_SMALL | code::CA_KEY_TOO_SMALL => {
            let bits = certificate.and_then(|one| one.public_key().ok()).map(|key| key.bits()).unwrap_or_default();
            format!("{which} has a key of {bits} bits, which is too short")
        }
        code::DIGEST_TOO_WEAK => {
            let algorithm = certificate.map_or(Nid::UNDEF, |one| one.signature_algorithm().object().nid());
            format!(
                "{which} is signed with {}, which is not accepted",
                algorithm.long_name().unwrap_or("an unknown algorithm")
            )
        }
        _ => format!("{which} is not valid: {}", error.error_string()),
    }
}
