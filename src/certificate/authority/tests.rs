//! Each result is compared with that of the OpenSSL library that is linked here.

use openssl::asn1::{Asn1Object, Asn1OctetString, Asn1Time};
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::stack::Stack;
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::verify::{X509VerifyFlags, X509VerifyParam};
use openssl::x509::{X509, X509Extension, X509Name, X509PurposeId, X509StoreContext};

use super::*;

const NOW: i64 = 1_700_000_000;
const VALID: (i64, i64) = (NOW - 1, NOW + 1);
const CERTIFIED: &[u8] = b"CA";

type Extension = (&'static str, &'static [u8]);
/// The version, extensions and validity of an anchor, and the verdict.
type Case = (i32, &'static [Extension], (i64, i64), Option<Unfit>);

const CA: Extension = ("2.5.29.19", &[0x30, 3, 1, 1, 0xff]);
const NO_CA: Extension = ("2.5.29.19", &[0x30, 0]);
const FALSE_CA: Extension = ("2.5.29.19", &[0x30, 3, 1, 1, 0]);
const SIGNS: Extension = ("2.5.29.15", &[3, 2, 1, 6]);
const SIGNS_NOT: Extension = ("2.5.29.15", &[3, 2, 5, 0xa0]);
const SERVERS: Extension = ("2.5.29.37", &[0x30, 10, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 1]);
const CLIENTS: Extension = ("2.5.29.37", &[0x30, 10, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 2]);
const BOTH: Extension = ("2.5.29.37", &[0x30, 20, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 2, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 1]);
const ANYTHING: Extension = ("2.5.29.37", &[0x30, 6, 6, 4, 0x55, 0x1d, 37, 0]);
const STEP_UP: Extension = ("2.5.29.37", &[0x30, 12, 6, 10, 0x2b, 6, 1, 4, 1, 0x82, 0x37, 10, 3, 3]);
const NETSCAPE_CA: Extension = ("2.16.840.1.113730.1.1", &[3, 2, 2, 4]);
const NETSCAPE_SERVER: Extension = ("2.16.840.1.113730.1.1", &[3, 2, 6, 0x40]);

fn key() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

fn certificate(
    version: i32,
    (subject, issuer): (&[u8], &[u8]),
    (start, end): (i64, i64),
    extensions: &[Extension],
    (own, signer): (&PKey<Private>, &PKey<Private>),
) -> X509 {
    let name = |common: &[u8]| {
        let mut name = X509Name::builder().unwrap();
        name.append_entry_by_text("CN", std::str::from_utf8(common).unwrap()).unwrap();
        name.build()
    };
    let mut builder = X509::builder().unwrap();
    builder.set_version(version).unwrap();
    builder.set_serial_number(&BigNum::from_u32(7).unwrap().to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(&name(subject)).unwrap();
    builder.set_issuer_name(&name(issuer)).unwrap();
    builder.set_not_before(&Asn1Time::from_unix(start).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::from_unix(end).unwrap()).unwrap();
    builder.set_pubkey(own).unwrap();
    for (identifier, value) in extensions {
        let (object, value) =
            (Asn1Object::from_str(identifier).unwrap(), Asn1OctetString::new_from_bytes(value).unwrap());
        builder.append_extension(X509Extension::new_from_der(&object, true, &value).unwrap()).unwrap();
    }
    builder.sign(signer, MessageDigest::sha256()).unwrap();
    builder.build()
}

/// Whether OpenSSL accepts a server whose certificate this anchor has signed.
fn openssl_accepts(anchor: X509, key: &PKey<Private>) -> bool {
    let own = self::key();
    let server = certificate(2, (b"server", CERTIFIED), VALID, &[], (&own, key));
    let mut parameters = X509VerifyParam::new().unwrap();
    parameters.set_flags(X509VerifyFlags::PARTIAL_CHAIN).unwrap();
    parameters.set_time(NOW);
    parameters.set_purpose(X509PurposeId::SSL_SERVER).unwrap();
    let mut store = X509StoreBuilder::new().unwrap();
    store.set_param(&parameters).unwrap();
    store.add_cert(anchor).unwrap();
    let (store, chain) = (store.build(), Stack::new().unwrap());
    let mut context = X509StoreContext::new().unwrap();
    context.init(&store, &server, &chain, openssl::x509::X509StoreContextRef::verify_cert).unwrap()
}

#[test]
fn anchors_are_unfit_where_openssl_refuses_them() {
    let (v1, v3) = (0, 2);
    let (expired, early) = ((NOW - 2, NOW - 1), (NOW + 1, NOW + 2));
    let cases: &[Case] = &[
        (v3, &[CA], VALID, None),
        (v3, &[CA, SIGNS], VALID, None),
        (v3, &[CA, SIGNS, SERVERS], VALID, None),
        (v3, &[CA, BOTH], VALID, None),
        (v3, &[CA, STEP_UP], VALID, None),
        (v3, &[SIGNS], VALID, None),
        (v3, &[NETSCAPE_CA], VALID, None),
        (v3, &[CA, NETSCAPE_SERVER], VALID, None),
        (v1, &[], VALID, None),
        (v3, &[], VALID, Some(Unfit::NotCa)),
        (v3, &[NO_CA], VALID, Some(Unfit::NotCa)),
        (v3, &[FALSE_CA, SIGNS], VALID, Some(Unfit::NotCa)),
        (v3, &[NO_CA, NETSCAPE_CA], VALID, Some(Unfit::NotCa)),
        (v3, &[NETSCAPE_SERVER], VALID, Some(Unfit::NotCa)),
        (v3, &[CA, SIGNS_NOT], VALID, Some(Unfit::NoCertSign)),
        (v3, &[SIGNS_NOT], VALID, Some(Unfit::NotCa)),
        (v3, &[SIGNS_NOT, NETSCAPE_CA], VALID, Some(Unfit::NoCertSign)),
        (v3, &[CA, SIGNS, CLIENTS], VALID, Some(Unfit::NotForServers)),
        (v3, &[CA, ANYTHING], VALID, Some(Unfit::NotForServers)),
        (v3, &[CA, SIGNS], expired, Some(Unfit::Expired(NOW - 1))),
        (v1, &[], expired, Some(Unfit::Expired(NOW - 1))),
        (v3, &[CA, SIGNS], early, Some(Unfit::NotYetValid(NOW + 1))),
    ];
    for (version, extensions, valid, expected) in cases {
        let key = key();
        let anchor = certificate(*version, (CERTIFIED, CERTIFIED), *valid, extensions, (&key, &key));
        let found = unfit(&anchor.to_der().unwrap(), NOW);
        assert_eq!(found, *expected, "v{version} {extensions:x?} {valid:?}");
        assert_eq!(found.is_none(), openssl_accepts(anchor, &key), "OpenSSL: v{version} {extensions:x?} {valid:?}");
    }
}

#[test]
fn anchors_may_be_intermediate_cas() {
    for (version, extensions, expected) in
        [(2, &[CA, SIGNS][..], None), (2, &[], Some(Unfit::NotCa)), (0, &[], Some(Unfit::NotCa))]
    {
        let (own, signer) = (key(), key());
        let anchor = certificate(version, (CERTIFIED, b"root"), VALID, extensions, (&own, &signer));
        let found = unfit(&anchor.to_der().unwrap(), NOW);
        assert_eq!(found, expected, "v{version} {extensions:x?}");
        assert_eq!(found.is_none(), openssl_accepts(anchor, &own), "OpenSSL: v{version} {extensions:x?}");
    }
}

#[test]
fn anchor_path_length_is_read() {
    let key = key();
    for (extensions, expected) in [
        (&[CA][..], None),
        (&[], None),
        (&[("2.5.29.19", &[0x30, 6, 1, 1, 0xff, 2, 1, 0])], Some(0)),
        (&[("2.5.29.19", &[0x30, 6, 1, 1, 0xff, 2, 1, 3])], Some(3)),
        (&[("2.5.29.19", &[0x30, 7, 1, 1, 0xff, 2, 2, 1, 0])], Some(255)),
    ] {
        let anchor = certificate(2, (CERTIFIED, CERTIFIED), VALID, extensions, (&key, &key));
        assert_eq!(most_below(&anchor.to_der().unwrap()), expected, "{extensions:x?}");
    }
}

#[test]
fn anchor_that_is_malformed_is_unfit() {
    for bytes in [&b""[..], b"nonsense", &[0x30, 2, 0x30, 0]] {
        assert_eq!(unfit(bytes, NOW), Some(Unfit::Malformed), "{bytes:x?}");
    }
}
