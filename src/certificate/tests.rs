use super::*;
use openssl::asn1::{Asn1Object, Asn1OctetString};
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::stack::Stack;
use openssl::symm::Cipher;
use openssl::x509::{X509Extension, X509Name};
use std::sync::Arc;

const DAY: i64 = 86_400;

/// A certificate with its key, which can sign others.
struct CertificateFixture {
    certificate: X509,
    key: PKey<Private>,
}

impl CertificateFixture {
    /// Creates a certificate valid from and to these days (since 1970), signed by another or itself.
    fn new(name: &[&str], days: (i64, i64), signer: Option<&Self>, extension: Option<X509Extension>) -> Self {
        let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        let mut subject = X509Name::builder().unwrap();
        for part in name {
            let (kind, value) = part.split_once('=').unwrap();
            subject.append_entry_by_text(kind, value).unwrap();
        }
        let subject = subject.build();
        let mut builder = X509::builder().unwrap();
        builder.set_version(2).unwrap();
        builder.set_serial_number(&BigNum::from_u32(7).unwrap().to_asn1_integer().unwrap()).unwrap();
        builder.set_subject_name(&subject).unwrap();
        builder.set_issuer_name(signer.map_or(&subject, |signer| signer.certificate.subject_name())).unwrap();
        builder.set_not_before(&Asn1Time::from_unix(days.0 * DAY).unwrap()).unwrap();
        builder.set_not_after(&Asn1Time::from_unix(days.1 * DAY).unwrap()).unwrap();
        builder.set_pubkey(&key).unwrap();
        extension.into_iter().for_each(|extension| builder.append_extension(extension).unwrap());
        builder.sign(signer.map_or(&key, |signer| &signer.key), MessageDigest::sha256()).unwrap();
        Self { certificate: builder.build(), key }
    }

    fn pem(&self) -> Vec<u8> {
        self.certificate.to_pem().unwrap()
    }
}

fn authority() -> CertificateFixture {
    CertificateFixture::new(&["O=Testbed", "CN=CA"], (0, 900), None, None)
}

fn user(authority: &CertificateFixture) -> CertificateFixture {
    CertificateFixture::new(&["O=Testbed", "CN=Kim"], (10, 400), Some(authority), None)
}

/// proxyCertInfo that inherits everything.
fn proxy_cert_info() -> X509Extension {
    let object = Asn1Object::from_str("1.3.6.1.5.5.7.1.14").unwrap();
    let inherit_all = [0x30, 12, 0x30, 10, 0x06, 8, 0x2b, 6, 1, 5, 5, 7, 21, 1];
    X509Extension::new_from_der(&object, true, &Asn1OctetString::new_from_bytes(&inherit_all).unwrap()).unwrap()
}

fn look(bytes: &[u8], phrase: Option<&'static str>) -> Result<Certificate> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let ask: Option<AskPassphrase> = phrase.map(|phrase| -> AskPassphrase { Arc::new(move |_| Ok(phrase.into())) });
    inspect(file.path(), ask.as_ref())
}

#[test]
fn certificate_without_its_key_is_reported() {
    let kim = user(&authority());
    let seen = look(&kim.pem(), None).unwrap();
    assert_eq!((seen.subject.as_str(), seen.issuer.as_str()), ("CN=Kim,O=Testbed", "CN=CA,O=Testbed"));
    assert_eq!((seen.not_before, seen.not_after), (10 * DAY, 400 * DAY));
    assert_eq!(
        (seen.kind, seen.key, seen.identity.as_str()),
        (CertificateKind::Plain, Key::Missing, "CN=Kim,O=Testbed")
    );
    assert_eq!(seen.chain.len(), 1);
}

#[test]
fn keys_are_detected_without_decryption() {
    let kim = user(&authority());
    let plain = [kim.pem(), kim.key.private_key_to_pem_pkcs8().unwrap()].concat();
    assert_eq!(look(&plain, None).unwrap().key, Key::Plain);
    let (cipher, phrase) = (Cipher::aes_256_cbc(), b"secret");
    let new = kim.key.private_key_to_pem_pkcs8_passphrase(cipher, phrase).unwrap();
    let old = kim.key.rsa().unwrap().private_key_to_pem_passphrase(cipher, phrase).unwrap();
    for encrypted in [new, old] {
        assert_eq!(look(&[kim.pem(), encrypted].concat(), None).unwrap().key, Key::Encrypted);
    }
}

#[test]
fn proxy_of_a_proxy_has_the_user_and_the_earliest_expiry() {
    let authority = authority();
    let kim = user(&authority);
    let name = ["O=Testbed", "CN=Kim", "CN=5", "CN=6"];
    let proxy = CertificateFixture::new(&name[..3], (20, 300), Some(&kim), Some(proxy_cert_info()));
    let second = CertificateFixture::new(&name, (30, 500), Some(&proxy), Some(proxy_cert_info()));
    let pem = [second.pem(), second.key.private_key_to_pem_pkcs8().unwrap(), proxy.pem(), kim.pem()].concat();
    let seen = look(&pem, None).unwrap();
    assert_eq!((seen.kind, seen.key, seen.chain.len()), (CertificateKind::Proxy, Key::Plain, 3));
    assert_eq!((seen.subject.as_str(), seen.identity.as_str()), ("CN=6,CN=5,CN=Kim,O=Testbed", "CN=Kim,O=Testbed"));
    assert_eq!((seen.ends().not_after, seen.ends().subject.as_str()), (300 * DAY, "CN=5,CN=Kim,O=Testbed"));
    assert_eq!(seen.begins().not_before, 30 * DAY);
    // The user's certificate may be missing, and others may be in between.
    let short = look(&[second.pem(), authority.pem(), proxy.pem()].concat(), None).unwrap();
    assert_eq!((short.identity.as_str(), short.chain.len()), ("CN=Kim,O=Testbed", 2));
}

#[test]
fn proxy_in_the_legacy_form_is_known_by_its_name() {
    let kim = user(&authority());
    for (last, kind) in [
        ("CN=proxy", CertificateKind::OldProxy),
        ("CN=limited proxy", CertificateKind::OldLimitedProxy),
        ("CN=12345", CertificateKind::Plain),
    ] {
        let proxy = CertificateFixture::new(&["O=Testbed", "CN=Kim", last], (20, 30), Some(&kim), None);
        let seen = look(&[proxy.pem(), kim.pem()].concat(), None).unwrap();
        assert_eq!(seen.kind, kind, "{last}");
        assert_eq!(seen.identity.starts_with("CN=Kim"), kind.is_proxy(), "{last}");
    }
    // A person may have this name.
    let person = CertificateFixture::new(&["CN=proxy"], (0, 9), None, None);
    assert_eq!(look(&person.pem(), None).unwrap().kind, CertificateKind::Plain);
}

#[test]
fn pkcs12_opens_only_with_its_pass_phrase() {
    let authority = authority();
    let kim = user(&authority);
    let mut container = Pkcs12::builder();
    let mut others = Stack::new().unwrap();
    others.push(authority.certificate.clone()).unwrap();
    container.pkey(&kim.key).cert(&kim.certificate).ca(others);
    let der = |phrase| container.build2(phrase).unwrap().to_der().unwrap();
    let seen = look(&der("secret"), Some("secret")).unwrap();
    assert_eq!((seen.identity.as_str(), seen.key, seen.chain.len()), ("CN=Kim,O=Testbed", Key::Encrypted, 2));
    let wrong = look(&der("secret"), Some("guess")).unwrap_err();
    assert!(wrong.to_string().contains("the pass phrase does not open it"), "{wrong}");
    let no_prompt = look(&der("secret"), None).unwrap_err();
    assert!(no_prompt.to_string().contains("the prompt for its pass phrase failed"), "{no_prompt}");
}

#[test]
fn certificate_file_without_a_certificate_is_reported() {
    for (bytes, expected) in [
        (&b"nothing"[..], "holds no certificate"),
        (b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n", "not well-formed PEM"),
    ] {
        let error = look(bytes, None).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

fn seen(pem: &[Vec<u8>]) -> Certificate {
    look(&pem.concat(), None).unwrap()
}

fn refusal(certificate: &Certificate, day: i64) -> String {
    let error = certificate.good_at(day * DAY + 1).unwrap_err();
    format!("{error} {:?}", error.hints())
}

#[test]
fn certificate_chain_reports_the_first_to_expire_with_advice() {
    let authority = authority();
    let kim = user(&authority);
    let proxy =
        CertificateFixture::new(&["O=Testbed", "CN=Kim", "CN=5"], (20, 500), Some(&kim), Some(proxy_cert_info()));
    let own = seen(&[kim.pem()]);
    assert!(own.good_at(20 * DAY).is_ok());
    assert!(refusal(&own, 400).contains("expired on 1971-02-05 00:00:00 UTC"), "{}", refusal(&own, 400));
    assert!(refusal(&own, 400).contains("Renew the certificate of CN=Kim,O=Testbed"), "{}", refusal(&own, 400));
    assert!(refusal(&own, 1).contains("is not valid before 1970-01-11 00:00:00 UTC (it is 1970-01-02"));
    // A new proxy does not help if the certificate behind it has expired.
    let both = seen(&[proxy.pem(), kim.pem()]);
    assert!(refusal(&both, 400).contains("The certificate of CN=Kim,O=Testbed behind"), "{}", refusal(&both, 400));
    assert!(refusal(&both, 400).contains("Renew that certificate."), "{}", refusal(&both, 400));
    let alone = seen(&[proxy.pem()]);
    assert!(alone.good_at(450 * DAY).is_ok());
    assert!(refusal(&alone, 600).contains("voms-proxy-init -out "), "{}", refusal(&alone, 600));
}

#[test]
fn certificate_of_a_ca_in_the_file_may_have_expired() {
    let authority = CertificateFixture::new(&["O=Testbed", "CN=CA"], (0, 50), None, None);
    let kim = user(&authority);
    let all = seen(&[kim.pem(), authority.pem()]);
    assert!(all.good_at(60 * DAY).is_ok());
    assert_eq!((all.ends().not_after, all.ends().subject.as_str()), (50 * DAY, "CN=CA,O=Testbed"));
}
