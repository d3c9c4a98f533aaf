//! Cryptography of gsi: RSA without digests, Diffie-Hellman with groups that the server chooses, and AES-128-CBC.
//!
//! "Signed" means: the bytes themselves, in pieces that fit into the key, each with the padding of PKCS #1 v1.5 for
//! signatures (`XrdCryptosslRSA.cc`). Groups have 512 bits up to XRootD 5.5 and in dCache, and 3072 since 5.6.

use openssl::bn::{BigNum, BigNumContext, BigNumRef, MsbOption};
use openssl::dh::Dh;
use openssl::error::ErrorStack;
use openssl::pkey::{HasPrivate, HasPublic};
use openssl::rand::rand_bytes;
use openssl::rsa::{Padding, Rsa};
use openssl::symm::{Cipher, encrypt};

/// Bytes that the padding adds to each piece.
const PADDING: usize = 11;
/// Sizes of Diffie-Hellman groups that are accepted, in bits.
const MIN_GROUP: i32 = 512;
const MAX_GROUP: i32 = 8192;
/// Maximum size of our secret number, in bits.
const MAX_SECRET: i32 = 512;
/// What is before and after the public value in a share.
const BEFORE_VALUE: &str = "---BPUB---";
const AFTER_VALUE: &str = "---EPUB---";
/// Readers accept an end that is one character shorter.
const END_OF_VALUE: &str = "---EPUB--";
/// Length of the key and of the initialisation vector of AES-128-CBC.
const KEY: usize = 16;

/// Signs bytes with a key.
pub(super) fn sign<T: HasPrivate>(key: &Rsa<T>, bytes: &[u8]) -> Result<Vec<u8>, ErrorStack> {
    let size = key.size() as usize;
    let mut signed = Vec::new();
    for piece in bytes.chunks(size.saturating_sub(PADDING).max(1)) {
        let mut block = vec![0; size];
        let length = key.private_encrypt(piece, &mut block, Padding::PKCS1)?;
        signed.extend_from_slice(&block[..length]);
    }
    Ok(signed)
}

/// Returns the bytes that were signed; `None` if they were not signed with this key.
pub(super) fn recover<T: HasPublic>(key: &Rsa<T>, signed: &[u8]) -> Option<Vec<u8>> {
    let size = key.size() as usize;
    let mut bytes = Vec::new();
    for piece in signed.chunks(size) {
        let mut block = vec![0; size];
        let length = key.public_decrypt(piece, &mut block, Padding::PKCS1).ok()?;
        bytes.extend_from_slice(&block[..length]);
    }
    Some(bytes)
}

/// A public Diffie-Hellman value with its group.
pub(super) struct Share<'a> {
    /// The group as the server has written it.
    group: &'a str,
    prime: BigNum,
    generator: BigNum,
    value: BigNum,
}

impl<'a> Share<'a> {
    /// Parses a share: a group in PEM form, and the value in hexadecimal digits. `None` if it is malformed or the
    /// numbers make no sense.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let (group, rest) = text.split_once(BEFORE_VALUE)?;
        let (value, _) = rest.split_once(END_OF_VALUE)?;
        let value = value.trim();
        if value.len() > MAX_GROUP as usize / 4 + 1 || !value.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        let parameters = Dh::params_from_pem(group.trim_end().as_bytes()).ok()?;
        let (prime, generator) = (parameters.prime_p().to_owned().ok()?, parameters.generator().to_owned().ok()?);
        let share = Self { group, prime, generator, value: BigNum::from_hex_str(value).ok()? };
        share.is_sane().then_some(share)
    }

    fn is_sane(&self) -> bool {
        let is_odd = self.prime.is_bit_set(0);
        is_odd
            && (MIN_GROUP..=MAX_GROUP).contains(&self.prime.num_bits())
            && [&self.generator, &self.value].into_iter().all(|number| self.is_within(number))
    }

    /// Returns whether a number is from 2 to the prime minus 2.
    fn is_within(&self, number: &BigNumRef) -> bool {
        let Ok(mut most) = self.prime.to_owned() else { return false };
        most.sub_word(2).is_ok() && !number.is_negative() && number.num_bits() > 1 && *number <= *most
    }

    /// Draws a number of our own. Returns our share, and the common secret: with zeros in front up to the length of the
    /// prime if `is_padded`, else without any.
    pub(super) fn agree(&self, is_padded: bool) -> Result<(String, Vec<u8>), ErrorStack> {
        let bits = (self.prime.num_bits() - 1).min(MAX_SECRET);
        let mut secret = BigNum::new_secure()?;
        secret.rand(bits, MsbOption::ONE, false)?;
        secret.set_const_time();
        self.agree_with(&secret, is_padded)
    }

    pub(super) fn agree_with(&self, secret: &BigNumRef, is_padded: bool) -> Result<(String, Vec<u8>), ErrorStack> {
        let mut context = BigNumContext::new_secure()?;
        let (mut ours, mut common) = (BigNum::new()?, BigNum::new_secure()?);
        ours.mod_exp(&self.generator, secret, &self.prime, &mut context)?;
        common.mod_exp(&self.value, secret, &self.prime, &mut context)?;
        let value = ours.to_hex_str()?;
        let share = format!("{}{BEFORE_VALUE}{}{AFTER_VALUE}", self.group, &*value);
        let common = if is_padded { common.to_vec_padded(self.prime.num_bytes())? } else { common.to_vec() };
        Ok((share, common))
    }
}

/// Key of a session.
#[derive(Clone)]
pub(in crate::storage::xrootd) struct SessionKey {
    key: [u8; KEY],
    /// Whether a random initialisation vector precedes what is encrypted; else it is zero.
    has_vector: bool,
}

impl std::fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SessionKey([hidden])")
    }
}

impl SessionKey {
    /// Takes the beginning of a common secret; `None` if that is too short.
    pub(super) fn new(secret: &[u8], has_vector: bool) -> Option<Self> {
        Some(Self { key: *secret.first_chunk()?, has_vector })
    }

    /// Encrypts bytes, with the padding of PKCS #7.
    pub(in crate::storage::xrootd) fn encrypt(&self, bytes: &[u8]) -> Result<Vec<u8>, ErrorStack> {
        let mut vector = [0; KEY];
        if self.has_vector {
            rand_bytes(&mut vector)?;
        }
        let encrypted = encrypt(Cipher::aes_128_cbc(), &self.key, Some(&vector), bytes)?;
        Ok(if self.has_vector { [&vector[..], &encrypted].concat() } else { encrypted })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A group of 512 bits, as XRootD 5.5 has them.
    fn group() -> String {
        let group = Dh::generate_params(512, 5).unwrap();
        String::from_utf8(group.params_to_pem().unwrap()).unwrap()
    }

    #[test]
    fn gsi_signed_bytes_are_recovered_in_pieces() {
        let key = Rsa::generate(1024).unwrap();
        for length in [1, 8, 117, 118, 400] {
            let bytes: Vec<u8> = (0..length).map(|one| one as u8).collect();
            let signed = sign(&key, &bytes).unwrap();
            assert_eq!(recover(&key, &signed).as_deref(), Some(&bytes[..]), "{length} bytes");
        }
        let other = sign(&Rsa::generate(1024).unwrap(), b"x").unwrap();
        assert_eq!(recover(&key, &other), None);
        assert_eq!(recover(&key, b"short"), None);
    }

    #[test]
    fn gsi_both_sides_agree_on_the_secret() {
        let group = group();
        let theirs = BigNum::from_u32(0x0bad_cafe).unwrap();
        let text = format!("{group}{BEFORE_VALUE}02{AFTER_VALUE}");
        let start = Share::parse(text.as_bytes()).unwrap();
        let (their_share, _) = start.agree_with(&theirs, true).unwrap();
        let share = Share::parse(their_share.as_bytes()).unwrap();
        let (our_share, ours) = share.agree(true).unwrap();
        let (_, same) = Share::parse(our_share.as_bytes()).unwrap().agree_with(&theirs, true).unwrap();
        assert_eq!((ours.len(), &ours), (64, &same));
        // The secret 2 to the power of 3, in both forms.
        let (three, two) = (BigNum::from_u32(3).unwrap(), format!("{group}{BEFORE_VALUE}02{AFTER_VALUE}"));
        let common = |is_padded| Share::parse(two.as_bytes()).unwrap().agree_with(&three, is_padded).unwrap().1;
        assert_eq!((common(false), common(true)), (vec![8], [&[0; 63][..], &[8]].concat()));
        assert!(our_share.starts_with(&group) && our_share.ends_with(AFTER_VALUE), "{our_share}");
    }

    #[test]
    fn gsi_shares_that_make_no_sense_are_refused() {
        let group = group();
        let share = |value: &str| format!("{group}{BEFORE_VALUE}{value}{AFTER_VALUE}");
        assert!(Share::parse(share("1234").as_bytes()).is_some());
        let prime = Dh::params_from_pem(group.as_bytes()).unwrap().prime_p().to_hex_str().unwrap().to_string();
        for value in ["", "0", "1", "-5", "xyz", &prime, &"F".repeat(5_000)] {
            assert!(Share::parse(share(value).as_bytes()).is_none(), "{value}");
        }
        for text in ["", "---BPUB---02---EPUB---", &share("1234")[..group.len() + 12]] {
            assert!(Share::parse(text.as_bytes()).is_none(), "{text}");
        }
    }
}
