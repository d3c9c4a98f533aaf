//! A server of any version, and what it may not do.

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::dh::Dh;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::symm::{Cipher, decrypt};

use super::*;

const OURS: &str = "AbCdEfGh";
const THEIRS: &[u8] = b"01234567";
/// The secret number of the server.
const SECRET: u32 = 0x0bad_cafe;

/// What a server sends, and whose keys it uses.
#[derive(Clone, Copy)]
struct ServerMessage<'a> {
    terms: &'a str,
    certificate: &'a X509,
    challenge_key: &'a Rsa<Private>,
    share_key: &'a Rsa<Private>,
    signed_challenge: &'a str,
    challenge: &'a [u8],
    ciphers: &'a str,
}

impl<'a> ServerMessage<'a> {
    /// That of a server without faults.
    fn new(terms: &'a str, certificate: &'a X509, key: &'a Rsa<Private>) -> Self {
        Self {
            terms,
            certificate,
            challenge_key: key,
            share_key: key,
            signed_challenge: OURS,
            challenge: THEIRS,
            ciphers: "bf-cbc:aes-128-cbc",
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let main = MessageWriter::new(SERVER_CERTIFICATE)
            .with(kind::SIGNED_CHALLENGE, &sign(self.challenge_key, self.signed_challenge.as_bytes()).unwrap())
            .with(kind::CHALLENGE, self.challenge)
            .finish();
        let message = MessageWriter::new(SERVER_CERTIFICATE)
            .with(kind::MAIN, &main)
            .with(kind::CERTIFICATES, &self.certificate.to_pem().unwrap())
            .with(kind::CIPHERS, self.ciphers.as_bytes())
            .with(kind::DIGESTS, b"sha1:md5");
        let share = their_share();
        let message = if Terms::parse(self.terms).has_signed_shares() {
            message.with(kind::SIGNED_SHARE, &sign(self.share_key, share.as_bytes()).unwrap())
        } else {
            message.with(kind::PUBLIC_KEY, share.as_bytes())
        };
        message.finish()
    }
}

/// Public value of the server: with the generator 2 and our secret number.
fn their_share() -> String {
    let prime = BigNum::get_rfc3526_prime_2048().unwrap();
    let group = Dh::from_pqg(prime, None, BigNum::from_u32(2).unwrap()).unwrap();
    let group = String::from_utf8(group.params_to_pem().unwrap()).unwrap();
    let any = format!("{group}---BPUB---02---EPUB---");
    Share::parse(any.as_bytes()).unwrap().agree_with(&BigNum::from_u32(SECRET).unwrap(), true).unwrap().0
}

fn certificate_of(key: &Rsa<Private>) -> X509 {
    let key = PKey::from_rsa(key.clone()).unwrap();
    let mut builder = X509::builder().unwrap();
    // Without both times it could not be read.
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(1).unwrap()).unwrap();
    builder.set_pubkey(&key).unwrap();
    builder.sign(&key, MessageDigest::sha256()).unwrap();
    builder.build()
}

fn credentials() -> Credentials {
    let key = Rsa::generate(2048).unwrap();
    Credentials { chain: b"the chain".to_vec(), key, is_proxy: true, issuers: String::new() }
}

/// Returns why the login is not continued; `None` if it is.
fn refusal(message: &ServerMessage<'_>, verified: Result<(), String>) -> Option<String> {
    respond(&message.bytes(), Terms::parse(message.terms), &credentials(), OURS, |_| verified).err()
}

/// The server reads our message by the rules of its version. Old ones get nothing that they do not know.
#[test]
fn gsi_dialect_is_that_of_the_version_of_the_server() {
    let key = Rsa::generate(2048).unwrap();
    let certificate = certificate_of(&key);
    for (terms, is_signed, is_padded, module) in [
        ("v:10000,c:ssl", false, false, "ssl"),
        ("v:10300,c:ssl,ca:5168735f.0|4339b4bc.0", false, false, "ssl"),
        ("v:10400,c:sslnopad,ca:5168735f", true, false, "sslnopad"),
        ("v:10400,c:ssl", true, true, "ssl"),
        ("v:10600,c:ssl", true, true, "ssl"),
    ] {
        let credentials = credentials();
        let sent = ServerMessage::new(terms, &certificate, &key).bytes();
        let (ours, _) = respond(&sent, Terms::parse(terms), &credentials, OURS, |_| Ok(())).unwrap();
        let message = Message::parse(&ours).unwrap();
        let share = match message.bucket(kind::SIGNED_SHARE) {
            Some(signed) => recover(&public(&credentials.key), signed).unwrap(),
            None => message.bucket(kind::PUBLIC_KEY).unwrap().to_vec(),
        };
        assert_eq!(message.bucket(kind::SIGNED_SHARE).is_some(), is_signed, "{terms}");
        assert_eq!(message.text(kind::MODULE), Some(module), "{terms}");
        assert_eq!(message.text(kind::CIPHERS), Some(if is_signed { "aes-128-cbc#16" } else { "aes-128-cbc" }));
        let secret = BigNum::from_u32(SECRET).unwrap();
        let (_, common) = Share::parse(&share).unwrap().agree_with(&secret, is_padded).unwrap();
        let main = message.bucket(kind::MAIN).unwrap();
        let (vector, encrypted) = if is_signed { main.split_at(16) } else { (&[0; 16][..], main) };
        let main = decrypt(Cipher::aes_128_cbc(), &common[..16], Some(vector), encrypted).expect(terms);
        let main = Message::parse(&main).unwrap();
        let proof = main.bucket(kind::SIGNED_CHALLENGE).unwrap();
        assert_eq!(recover(&public(&credentials.key), proof).as_deref(), Some(THEIRS), "{terms}");
        assert_eq!(main.bucket(kind::CERTIFICATES), Some(&credentials.chain[..]), "{terms}");
    }
}

fn public(key: &Rsa<Private>) -> Rsa<Public> {
    Rsa::from_public_components(key.n().to_owned().unwrap(), key.e().to_owned().unwrap()).unwrap()
}

#[test]
fn gsi_server_has_to_prove_that_it_has_the_key_of_a_trusted_certificate() {
    let (key, other) = (Rsa::generate(2048).unwrap(), Rsa::generate(2048).unwrap());
    let certificate = certificate_of(&key);
    let good = ServerMessage::new("v:10600,c:ssl", &certificate, &key);
    assert_eq!(refusal(&good, Ok(())), None);
    assert_eq!(refusal(&good, Err("unknown CA".to_owned())).as_deref(), Some("unknown CA"));
    let no_key = "the server does not have the key of its certificate";
    let no_share = "the Diffie-Hellman value of the server is not valid";
    for (message, expected) in [
        (ServerMessage { challenge_key: &other, ..good }, no_key),
        (ServerMessage { signed_challenge: "replayed", ..good }, no_key),
        (ServerMessage { share_key: &other, ..good }, no_share),
        (ServerMessage { ciphers: "bf-cbc", ..good }, "the server does not know the cipher aes-128-cbc"),
    ] {
        assert_eq!(refusal(&message, Ok(())).as_deref(), Some(expected));
    }
    // Old servers prove it, too, by the challenge.
    let old = ServerMessage { terms: "v:10300,c:ssl", challenge_key: &other, ..good };
    assert_eq!(refusal(&old, Ok(())).as_deref(), Some(no_key));
}

/// A `DigestInfo` as challenge would be signed like a certificate.
#[test]
fn gsi_challenge_that_may_be_a_digest_is_not_signed() {
    let key = Rsa::generate(2048).unwrap();
    let certificate = certificate_of(&key);
    for (length, is_signed) in [(8, true), (MAX_CHALLENGE, true), (34, false), (35, false), (51, false)] {
        let challenge = vec![b'x'; length];
        let message = ServerMessage { challenge: &challenge, ..ServerMessage::new("v:10600", &certificate, &key) };
        let refusal = refusal(&message, Ok(()));
        assert_eq!(refusal.is_none(), is_signed, "{length}: {refusal:?}");
    }
}

#[test]
fn gsi_terms_are_the_lower_version_and_the_padding_of_the_server() {
    for (arguments, version, is_padded, module) in [
        ("v:10600,c:ssl,ca:5168735f.0|4339b4bc.0", 10600, true, "ssl"),
        ("v:10400,c:sslnopad,ca:5168735f", 10400, false, "sslnopad"),
        ("v:10300,c:ssl", 10300, false, "ssl"),
        ("v:99999,c:ssl", VERSION, true, "ssl"),
        ("", VERSION, true, "ssl"),
    ] {
        let terms = Terms::parse(arguments);
        assert_eq!((terms.version, terms.is_padded, terms.module()), (version, is_padded, module), "{arguments}");
    }
    assert_eq!((digest("sha1:md5"), digest("sha1:sha256"), digest("")), ("sha1", "sha256", ""));
}
