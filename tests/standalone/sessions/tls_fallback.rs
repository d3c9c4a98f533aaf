//! Servers that rustls cannot talk to, and OpenSSL can: ciphers, keys and certificates. A refusal says in words why.

use std::fs;

use anyhow::{Result, ensure};
use openssl::asn1::{Asn1Object, Asn1OctetString, Asn1Time};
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::ssl::{SslAcceptorBuilder, SslVersion};
use openssl::x509::extension::{BasicConstraints, ExtendedKeyUsage, SubjectAlternativeName, SubjectKeyIdentifier};
use openssl::x509::{X509, X509Builder, X509Extension};

use crate::fixtures::{Answer, CertificateFixture, Home, Server, TODAY, TlsFront, Use, keep};
use crate::support::Outcome;

const USERPASS: &str = "auth_type = userpass\nusername = jdoe\npassword = secret";
const LOCALHOST: [&str; 2] = ["O=Testbed", "CN=localhost"];

fn rsa(bits: u32) -> Result<PKey<Private>> {
    Ok(PKey::from_rsa(Rsa::generate(bits)?)?)
}

fn ec(curve: Nid) -> Result<PKey<Private>> {
    Ok(PKey::from_ec_key(EcKey::generate(&*EcGroup::from_curve_name(curve)?)?)?)
}

/// A CA with this key.
fn authority(key: PKey<Private>) -> Result<CertificateFixture> {
    let mut name = openssl::x509::X509Name::builder()?;
    name.append_entry_by_text("CN", "Site CA")?;
    let subject = name.build();
    let mut builder = X509::builder()?;
    builder.set_subject_name(&subject)?;
    builder.set_issuer_name(&subject)?;
    builder.set_pubkey(&key)?;
    builder.append_extension(BasicConstraints::new().critical().ca().build()?)?;
    let id = SubjectKeyIdentifier::new().build(&builder.x509v3_context(None, None))?;
    builder.append_extension(id)?;
    let certificate = signed(builder, &key, MessageDigest::sha256())?;
    Ok(CertificateFixture { certificate, key })
}

fn signed(mut builder: X509Builder, signer: &PKey<Private>, digest: MessageDigest) -> Result<X509> {
    let mut serial = BigNum::new()?;
    serial.rand(120, MsbOption::MAYBE_ZERO, false)?;
    builder.set_version(2)?;
    builder.set_serial_number(&*serial.to_asn1_integer()?)?;
    builder.set_not_before(&*Asn1Time::days_from_now(0)?)?;
    builder.set_not_after(&*Asn1Time::days_from_now(2)?)?;
    builder.sign(signer, digest)?;
    Ok(builder.build())
}

/// A certificate of localhost by this CA, with this key and digest, and an extension (identifier, DER) if there is one.
fn host(
    ca: &CertificateFixture,
    key: PKey<Private>,
    digest: MessageDigest,
    extension: Option<(&str, &[u8])>,
) -> Result<CertificateFixture> {
    let subject = ca.sign(&LOCALHOST, TODAY, Use::Server("localhost"))?.certificate.subject_name().to_owned()?;
    let mut builder = X509::builder()?;
    builder.set_subject_name(&subject)?;
    builder.set_issuer_name(ca.certificate.subject_name())?;
    builder.set_pubkey(&key)?;
    let names = SubjectAlternativeName::new().dns("localhost").build(&builder.x509v3_context(None, None))?;
    builder.append_extension(names)?;
    if let Some((identifier, value)) = extension {
        let (identifier, value) = (Asn1Object::from_str(identifier)?, Asn1OctetString::new_from_bytes(value)?);
        builder.append_extension(X509Extension::new_from_der(&identifier, true, &value)?)?;
    }
    let certificate = signed(builder, &ca.key, digest)?;
    Ok(CertificateFixture { certificate, key })
}

/// A server of this certificate and these settings, seen by a client that trusts the CA. Also returns whether the server
/// received a request.
fn seen(
    ca: &CertificateFixture,
    host: &CertificateFixture,
    settings: impl FnOnce(&mut SslAcceptorBuilder) -> Result<()>,
) -> Result<Outcome> {
    let home = Home::new()?;
    let trusted = keep(&home, "ca.pem", ca.pem()?)?.display().to_string();
    seen_with(&home, &trusted, host, &[], settings)
}

fn seen_with(
    home: &Home,
    trusted: &str,
    host: &CertificateFixture,
    others: &[&CertificateFixture],
    settings: impl FnOnce(&mut SslAcceptorBuilder) -> Result<()>,
) -> Result<Outcome> {
    let server = Server::start(|_, _| Answer::json(r#"{"account": "jdoe"}"#))?;
    let front = TlsFront::with(&server, host, others, settings)?;
    let outcome = front.client(home, trusted, USERPASS)?.args(["whoami"]).run()?;
    let heard = server.heard_in_all();
    ensure!(outcome.code == 0 || heard.is_empty(), "data was sent to an untrusted server: {heard:?}");
    Ok(outcome)
}

fn accepted(case: &str, outcome: &Outcome) -> Result<()> {
    ensure!(outcome.code == 0 && outcome.stdout.contains("account    : jdoe"), "{case}: {outcome:?}");
    ensure!(outcome.stderr.is_empty(), "{case}: {outcome:?}");
    Ok(())
}

/// The command fails at once, and says why in words.
fn refused(case: &str, outcome: &Outcome, expected: &str) -> Result<()> {
    ensure!(outcome.code == 1 && outcome.stdout.is_empty(), "{case}: {outcome:?}");
    ensure!(outcome.stderr.contains(expected), "{case}: {expected:?} is not in {}", outcome.stderr);
    ensure!(outcome.stderr.contains("Hint: "), "{case}: there is no hint: {}", outcome.stderr);
    ensure!(!outcome.stderr.contains("Waiting"), "{case}: a retry does not help: {}", outcome.stderr);
    for debug in ["{", "docs.rs", "Context", "HandshakeFailure", "PeerIncompatible", "[6,"] {
        ensure!(!outcome.stderr.contains(debug), "{case}: {debug:?} is in {}", outcome.stderr);
    }
    Ok(())
}

fn only_tls12(acceptor: &mut SslAcceptorBuilder, ciphers: &str) -> Result<()> {
    acceptor.set_max_proto_version(Some(SslVersion::TLS1_2))?;
    Ok(acceptor.set_cipher_list(ciphers)?)
}

#[test]
fn tls_with_old_ciphers_is_accepted() -> Result<()> {
    let ca = authority(rsa(2048)?)?;
    let host = host(&ca, rsa(2048)?, MessageDigest::sha256(), None)?;
    for ciphers in ["ECDHE-RSA-AES128-SHA", "AES128-GCM-SHA256", "AES256-SHA", "DHE-RSA-AES256-GCM-SHA384"] {
        accepted(ciphers, &seen(&ca, &host, |acceptor| only_tls12(acceptor, ciphers))?)?;
    }
    Ok(())
}

#[test]
fn tls_with_keys_and_signatures_unknown_to_rustls_is_accepted() -> Result<()> {
    let (sha256, sha512) = (MessageDigest::sha256(), MessageDigest::sha512());
    let curve = |nid| ec(nid);
    for (case, ca, key, digest) in [
        ("key on P-521", curve(Nid::SECP384R1)?, curve(Nid::SECP521R1)?, sha256),
        ("CA on P-521", curve(Nid::SECP521R1)?, curve(Nid::X9_62_PRIME256V1)?, sha512),
        ("P-256 with SHA-512", curve(Nid::X9_62_PRIME256V1)?, rsa(2048)?, sha512),
    ] {
        let ca = authority(ca)?;
        accepted(case, &seen(&ca, &host(&ca, key, digest, None)?, |_| Ok(()))?)?;
    }
    Ok(())
}

#[test]
fn tls_with_rare_extensions_is_accepted() -> Result<()> {
    let (ca, sha256) = (authority(rsa(2048)?)?, MessageDigest::sha256());
    for (case, identifier, value) in [
        ("a CA as server", "2.5.29.19", &[0x30, 3, 1, 1, 0xff][..]),
        ("certificatePolicies", "2.5.29.32", &[0x30, 6, 0x30, 4, 6, 2, 0x2a, 3]),
        ("nsCertType", "2.16.840.1.113730.1.1", &[3, 2, 6, 0x40]),
    ] {
        let host = host(&ca, rsa(2048)?, sha256, Some((identifier, value)))?;
        accepted(case, &seen(&ca, &host, |_| Ok(()))?)?;
    }
    Ok(())
}

#[test]
fn tls_chain_of_many_cas_is_accepted() -> Result<()> {
    let (home, root) = (Home::new()?, CertificateFixture::signed_by_itself(&["CN=Root"], TODAY, Use::Authority)?);
    let mut chain = vec![root];
    for level in 0..8 {
        let next = chain[level].sign(&[&format!("CN=Level {level}")], TODAY, Use::Authority)?;
        chain.push(next);
    }
    let host = chain[8].sign(&LOCALHOST, TODAY, Use::Server("localhost"))?;
    let trusted = keep(&home, "ca.pem", chain[0].pem()?)?.display().to_string();
    let others: Vec<_> = chain[1..].iter().rev().collect();
    accepted("8 CAs", &seen_with(&home, &trusted, &host, &others, |_| Ok(()))?)
}

/// By a key that rustls cannot use, OpenSSL verifies the certificate, with the same results.
#[test]
fn tls_by_openssl_is_verified_as_by_rustls() -> Result<()> {
    let ca = authority(ec(Nid::SECP521R1)?)?;
    let of = |name, days| ca.sign_for(ec(Nid::SECP521R1)?, &LOCALHOST, days, Use::Server(name));
    let stranger = authority(ec(Nid::SECP384R1)?)?;
    for (case, host, expected) in [
        ("expired", of("localhost", (-9, -1))?, "the server's certificate expired on 20"),
        ("early", of("localhost", (1, 9))?, "the server's certificate is not valid before 20"),
        ("other host", of("elsewhere", TODAY)?, "is that of another host: elsewhere"),
        (
            "unknown CA",
            stranger.sign_for(ec(Nid::SECP521R1)?, &LOCALHOST, TODAY, Use::Server("localhost"))?,
            "not trusted (unknown CA)",
        ),
    ] {
        refused(case, &seen(&ca, &host, |_| Ok(()))?, expected)?;
    }
    Ok(())
}

#[test]
fn tls_by_openssl_reads_crls_and_hashed_folders() -> Result<()> {
    let ca = authority(ec(Nid::SECP521R1)?)?;
    let host = ca.sign_for(ec(Nid::SECP521R1)?, &LOCALHOST, TODAY, Use::Server("localhost"))?;
    let home = Home::new()?;
    let (folder, hash) = ca.hashed_folder(&home)?;
    let trusted = folder.display().to_string();
    accepted("not revoked", &seen_with(&home, &trusted, &host, &[], |_| Ok(()))?)?;
    let home = Home::new()?;
    let (folder, _) = ca.hashed_folder(&home)?;
    fs::write(folder.join(format!("{hash}r0")), ca.revokes(&[&host.certificate], 9, &ca.key)?)?;
    let outcome = seen_with(&home, &folder.display().to_string(), &host, &[], |_| Ok(()))?;
    refused("revoked", &outcome, "the server's certificate was revoked by its CA")
}

#[test]
fn tls_that_openssl_refuses_too_says_why() -> Result<()> {
    let ca = authority(rsa(2048)?)?;
    let (sha1, sha256) = (MessageDigest::sha1(), MessageDigest::sha256());
    let of = |key, digest| host(&ca, key, digest, None);
    refused(
        "SHA-1",
        &seen_weak(&ca, &of(rsa(2048)?, sha1)?)?,
        "the server's certificate is signed with sha1WithRSAEncryption, which is not accepted",
    )?;
    refused("1024 bits", &seen_weak(&ca, &of(rsa(1024)?, sha256)?)?, "has a key of 1024 bits, which is too short")?;
    let unknown = host(&ca, rsa(2048)?, sha256, Some(("1.2.3.4", &[5, 0])))?;
    refused("critical extension", &seen(&ca, &unknown, |_| Ok(()))?, "a critical extension that is not supported")?;
    let old = seen(&ca, &of(rsa(2048)?, sha256)?, |acceptor| {
        acceptor.set_security_level(0);
        acceptor.set_min_proto_version(Some(SslVersion::TLS1))?;
        Ok(acceptor.set_max_proto_version(Some(SslVersion::TLS1_1))?)
    })?;
    refused("TLS 1.1", &old, "does not speak TLS 1.2 or 1.3")
}

/// A server that does not refuse to use what is too weak for OpenSSL's clients.
fn seen_weak(ca: &CertificateFixture, host: &CertificateFixture) -> Result<Outcome> {
    seen(ca, host, |acceptor| {
        acceptor.set_security_level(0);
        Ok(())
    })
}

/// A server of the site is trusted itself; its CA is not known.
#[test]
fn tls_by_openssl_accepts_a_listed_server() -> Result<()> {
    let ca = authority(ec(Nid::SECP521R1)?)?;
    let host = ca.sign_for(ec(Nid::SECP521R1)?, &LOCALHOST, TODAY, Use::Server("localhost"))?;
    accepted("listed", &seen(&host, &host, |_| Ok(()))?)?;
    let other = host_of_clients(&ca)?;
    refused("for clients", &seen(&ca, &other, |_| Ok(()))?, "is not for TLS servers")
}

fn host_of_clients(ca: &CertificateFixture) -> Result<CertificateFixture> {
    let key = ec(Nid::SECP521R1)?;
    let mut builder = X509::builder()?;
    let subject = ca.sign(&LOCALHOST, TODAY, Use::Server("localhost"))?.certificate.subject_name().to_owned()?;
    builder.set_subject_name(&subject)?;
    builder.set_issuer_name(ca.certificate.subject_name())?;
    builder.set_pubkey(&key)?;
    builder.append_extension(ExtendedKeyUsage::new().client_auth().build()?)?;
    let names = SubjectAlternativeName::new().dns("localhost").build(&builder.x509v3_context(None, None))?;
    builder.append_extension(names)?;
    let certificate = signed(builder, &ca.key, MessageDigest::sha512())?;
    Ok(CertificateFixture { certificate, key })
}
