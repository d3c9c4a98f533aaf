//! The trusted certificates, as OpenSSL stores them.

use std::sync::OnceLock;

use openssl::asn1::Asn1Time;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::ssl::SslFiletype;
use openssl::x509::extension::BasicConstraints;
use openssl::x509::store::{X509Lookup, X509Store, X509StoreBuilder};
use openssl::x509::verify::X509VerifyFlags;
use openssl::x509::{X509, X509Name};
use rustls_pki_types::TrustAnchor;

use crate::certificate::sequence;
use crate::http::tls::roots::TrustAnchors;

/// Creates the store: files as they are, directories by hash when a certificate is verified, and the built-in set.
pub(super) fn store(trusted: &TrustAnchors) -> Result<X509Store, ErrorStack> {
    let mut store = X509StoreBuilder::new()?;
    // As webpki: a trusted certificate need not be self-signed.
    store.set_flags(X509VerifyFlags::PARTIAL_CHAIN | X509VerifyFlags::TRUSTED_FIRST)?;
    for certificate in trusted.in_file_sources().filter_map(|one| X509::from_der(one).ok()) {
        store.add_cert(certificate)?;
    }
    for folder in trusted.folders().iter().filter_map(|folder| folder.to_str()) {
        store.add_lookup(X509Lookup::hash_dir())?.add_dir(folder, SslFiletype::PEM)?;
    }
    if trusted.has_built_in() {
        for certificate in built_in() {
            store.add_cert(certificate.clone())?;
        }
    }
    Ok(store.build())
}

/// Returns the built-in set as certificates.
fn built_in() -> &'static [X509] {
    static BUILT_IN: OnceLock<Vec<X509>> = OnceLock::new();
    BUILT_IN.get_or_init(|| {
        let Ok(key) = PKey::generate_ed25519() else { return Vec::new() };
        // Constraints would have to become an extension; a handful of anchors has some.
        let anchors = webpki_roots::TLS_SERVER_ROOTS.iter().filter(|anchor| anchor.name_constraints.is_none());
        anchors.filter_map(|anchor| certificate(anchor, &key).ok()).collect()
    })
}

/// Returns a certificate with name and key of a trust anchor. Its own signature means nothing: OpenSSL does not verify
/// that of a trusted certificate.
fn certificate(anchor: &TrustAnchor<'_>, signer: &PKey<Private>) -> Result<X509, ErrorStack> {
    let name = X509Name::from_der(&sequence(&anchor.subject))?;
    let key = PKey::public_key_from_der(&sequence(&anchor.subject_public_key_info))?;
    let mut certificate = X509::builder()?;
    certificate.set_version(2)?;
    certificate.set_subject_name(&name)?;
    certificate.set_issuer_name(&name)?;
    certificate.set_pubkey(&key)?;
    certificate.set_not_before(Asn1Time::from_unix(0)?.as_ref())?;
    certificate.set_not_after(Asn1Time::days_from_now(1)?.as_ref())?;
    certificate.append_extension(BasicConstraints::new().critical().ca().build()?)?;
    certificate.sign(signer, MessageDigest::null())?;
    Ok(certificate.build())
}

#[cfg(test)]
mod tests {
    use super::*;
    use openssl::stack::Stack;
    use openssl::x509::X509StoreContext;
    use openssl::x509::verify::X509VerifyParam;

    #[test]
    fn built_in_ca_is_a_trust_anchor_for_openssl() {
        let anchors = built_in();
        assert!(anchors.len() > 100, "only {} of {}", anchors.len(), webpki_roots::TLS_SERVER_ROOTS.len());
        let mut trusted = TrustAnchors::none();
        trusted.add(&crate::config::CaSource::BuiltIn).unwrap();
        let store = store(&trusted).unwrap();
        let mut parameters = X509VerifyParam::new().unwrap();
        parameters.set_auth_level(2);
        for anchor in anchors {
            let mut context = X509StoreContext::new().unwrap();
            let none = Stack::new().unwrap();
            assert!(context.init(&store, anchor, &none, |context| context.verify_cert()).unwrap(), "{anchor:?}");
        }
    }
}
