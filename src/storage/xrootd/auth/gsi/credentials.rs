//! The user's certificate or proxy in the form of gsi.

use std::fmt::Write;

use md5::{Digest, Md5};
use openssl::pkey::Private;
use openssl::rsa::Rsa;
use openssl::x509::{X509, X509NameRef};

use crate::certificate::CertificateKind;
use crate::http::tls::Identity;

/// What gsi needs of an identity.
pub(super) struct Credentials {
    /// The certificates in PEM form: proxies first, the user's own certificate last. Without those of CAs.
    pub(super) chain: Vec<u8>,
    pub(super) key: Rsa<Private>,
    pub(super) is_proxy: bool,
    /// Hashes of the name of the CA: the server looks for it in its folder.
    pub(super) issuers: String,
}

impl Credentials {
    /// Collects it. Errors: the reason why this identity is of no use, in words.
    pub(super) fn new(identity: &Identity) -> Result<Self, String> {
        let key = identity.key().rsa().map_err(|_| "the key of the certificate is not an RSA key")?;
        let chain = identity.chain();
        let own = chain.iter().position(|one| !CertificateKind::of(one).is_proxy()).unwrap_or(chain.len() - 1);
        let pem = chain[..=own].iter().map(|one| one.to_pem()).collect::<Result<Vec<_>, _>>();
        let issuers = issuers(chain).ok_or("the name of its CA cannot be read")?;
        let pem = pem.map_err(|error| error.to_string())?.concat();
        Ok(Self { chain: pem, key, is_proxy: own > 0, issuers })
    }
}

/// Returns both hashes of the CA's name: `0a1b2c3d.0|1a2b3c4d.0`.
fn issuers(chain: &[X509]) -> Option<String> {
    let name = chain.last()?.issuer_name();
    let mut text = String::new();
    write!(text, "{:08x}.0|{:08x}.0", chain.last()?.issuer_name_hash(), old_hash(name)?).ok()?;
    Some(text)
}

/// Returns the hash of a name as OpenSSL before 1.0 computed it: the first bytes of its MD5, the lowest first.
fn old_hash(name: &X509NameRef) -> Option<u32> {
    let digest = Md5::digest(name.to_der().ok()?);
    digest.first_chunk().copied().map(u32::from_le_bytes)
}
