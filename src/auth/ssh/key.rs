//! Private key files: PKCS#1 and PKCS#8 in PEM, and OpenSSH's own format, each encrypted or not.

use std::io::{Error as IoError, ErrorKind};
use std::path::{Path, PathBuf};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use openssl::bn::{BigNum, BigNumContext};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::{HasPublic, Id, PKey, PKeyRef, Private};
use openssl::rsa::{Rsa, RsaPrivateKeyBuilder};
use openssl::sign::Signer;
use ssh_key::PrivateKey;
use ssh_key::private::{KeypairData, RsaKeypair};

use super::wire;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::hint::{Hint, shell_path};
use crate::input_file;
use crate::secret::Secret;

/// The only type of key that Rucio servers can verify.
const RSA: &str = "ssh-rsa";
/// The signature algorithm: the only one that servers of all releases accept and that is not SHA-1.
pub(super) const SIGNATURE: &str = "rsa-sha2-256";
/// The first bytes of OpenSSH's format (its PROTOCOL.key).
const OPENSSH: &[u8] = b"openssh-key-v1\0";

/// A public key in SSH encoding (RFC 4253, section 6.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PublicKey(Vec<u8>);

impl PublicKey {
    /// Returns the encoded key, which is compared and sent.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads `<key>.pub`, if it exists.
    pub(super) fn read_public_half(key: &Path) -> Option<Self> {
        let mut path = key.as_os_str().to_owned();
        path.push(".pub");
        let text = input_file::read_to_string(path).ok()?;
        BASE64_STANDARD.decode(text.split_whitespace().nth(1)?).ok().map(Self)
    }

    fn from_key<T: HasPublic>(key: &PKeyRef<T>) -> Option<Self> {
        let rsa = key.rsa().ok()?;
        let mut bytes = Vec::new();
        wire::put(&mut bytes, RSA.as_bytes());
        wire::put_number(&mut bytes, &rsa.e().to_vec());
        wire::put_number(&mut bytes, &rsa.n().to_vec());
        Some(Self(bytes))
    }

    /// Returns the type of the key: `ssh-rsa`, `ssh-ed25519` ...
    fn kind(&self) -> String {
        String::from_utf8_lossy(wire::take(&mut self.bytes()).unwrap_or_default()).into_owned()
    }

    /// Refuses a key that no server can verify, before its pass phrase is asked for.
    pub(super) fn require_rsa(&self, path: &Path) -> Result<()> {
        match self.kind() {
            kind if kind == RSA => Ok(()),
            kind => Err(unsupported(path, &kind)),
        }
    }
}

/// A private key file, read but not decrypted.
pub(super) struct KeyFile {
    path: PathBuf,
    form: KeyFormat,
}

enum KeyFormat {
    /// OpenSSH's own format, without its armour.
    OpenSsh(Vec<u8>),
    Pem(Vec<u8>),
}

impl KeyFile {
    /// Reads the file.
    pub(super) fn read(path: &Path) -> std::io::Result<Self> {
        let text = input_file::read(path)?;
        let form = match armoured(&String::from_utf8_lossy(&text)) {
            Some(bytes) => KeyFormat::OpenSsh(bytes),
            None => KeyFormat::Pem(text),
        };
        Ok(Self { path: path.to_owned(), form })
    }

    /// Whether it needs a pass phrase.
    pub(super) fn is_locked(&self) -> bool {
        match &self.form {
            KeyFormat::OpenSsh(bytes) => PrivateKey::from_bytes(bytes).is_ok_and(|key| key.is_encrypted()),
            KeyFormat::Pem(pem) => is_encrypted(pem),
        }
    }

    /// Returns the public key as far as the file contains it without a pass phrase, else that of `<key>.pub`.
    pub(super) fn public(&self) -> Option<PublicKey> {
        let public = match &self.form {
            KeyFormat::OpenSsh(bytes) => public_key_by_openssh(bytes),
            KeyFormat::Pem(pem) if is_encrypted(pem) => None,
            KeyFormat::Pem(pem) => PKey::private_key_from_pem(pem).ok().and_then(|key| PublicKey::from_key(&key)),
        };
        public.or_else(|| PublicKey::read_public_half(&self.path))
    }

    /// Returns the private key. `ask` prompts for the pass phrase if it is encrypted.
    pub(super) fn open(&self, ask: impl Fn() -> std::io::Result<Secret>) -> Result<PKey<Private>> {
        let phrase = || ask().map_err(|error| self.locked(&error));
        let key = match &self.form {
            KeyFormat::OpenSsh(bytes) => self.open_openssh(bytes, phrase)?,
            KeyFormat::Pem(pem) if is_encrypted(pem) => {
                let phrase = phrase()?;
                PKey::private_key_from_pem_passphrase(pem, phrase.expose().as_bytes())
                    .map_err(|_| self.wrong_phrase())?
            }
            KeyFormat::Pem(pem) => PKey::private_key_from_pem(pem).map_err(|error| self.no_key().with_source(error))?,
        };
        match key.id() {
            Id::RSA => Ok(key),
            id => Err(unsupported(&self.path, name(id))),
        }
    }

    fn open_openssh(&self, bytes: &[u8], phrase: impl Fn() -> Result<Secret>) -> Result<PKey<Private>> {
        let mut key = PrivateKey::from_bytes(bytes).map_err(|error| self.no_key().with_source(error.to_string()))?;
        if key.is_encrypted() {
            key = key.decrypt(phrase()?.expose()).map_err(|_| self.wrong_phrase())?;
        }
        match key.key_data() {
            KeypairData::Rsa(pair) => rsa(pair).ok_or_else(|| self.no_key()),
            _ => Err(unsupported(&self.path, key.algorithm().as_str())),
        }
    }

    fn locked(&self, error: &IoError) -> Error {
        let place = self.path.display();
        // The agent's key can only be recognised by the public key.
        let path = shell_path(&self.path);
        let public = format!("{} > {path}.pub", self.read_command());
        let public = self.public().is_none().then(|| Hint::run("Write its public key beside it", public));
        refusal(format!(
            "The SSH private key {place} is encrypted, and the prompt for its pass phrase failed: {error}."
        ))
        .with_hints(public)
        .with_hint(Hint::run("Start an SSH agent", "eval \"$(ssh-agent)\""))
        .with_hint(Hint::run("Unlock the key in it", format!("ssh-add {path}")))
        .with_hint("Or log in once in a terminal: other commands use the saved token.")
    }

    fn wrong_phrase(&self) -> Error {
        let place = self.path.display();
        refusal(format!("The pass phrase does not open the SSH private key {place}."))
            .with_hint(Hint::run("To test a pass phrase", self.read_command()))
    }

    fn no_key(&self) -> Error {
        let place = self.path.display();
        refusal(format!("{place} contains no SSH private key that can be read"))
            .with_hint("Set [client] ssh_private_key to a private key.")
            .with_hint(Hint::run("To test whether it can be read", self.read_command()))
    }

    fn read_command(&self) -> String {
        format!("ssh-keygen -y -f {}", shell_path(&self.path))
    }
}

/// Signs the challenge; returns the name of the algorithm and the signature, in SSH encoding.
pub(super) fn sign(key: &PKey<Private>, challenge: &[u8]) -> Result<Vec<u8>> {
    let signed = Signer::new(MessageDigest::sha256(), key).and_then(|mut signer| signer.sign_oneshot_to_vec(challenge));
    let signed = signed.map_err(|error| refusal(format!("The SSH private key does not sign: {error}.")))?;
    let mut signature = Vec::new();
    wire::put(&mut signature, SIGNATURE.as_bytes());
    wire::put(&mut signature, &signed);
    Ok(signature)
}

/// Decodes the armour of OpenSSH's format; `None` for other text. Lines may have any length and any ending: writers
/// differ.
fn armoured(text: &str) -> Option<Vec<u8>> {
    let (_, body) = text.split_once("-----BEGIN OPENSSH PRIVATE KEY-----")?;
    let (body, _) = body.split_once("-----END OPENSSH PRIVATE KEY-----")?;
    BASE64_STANDARD.decode(body.split_whitespace().collect::<String>()).ok()
}

/// Reads the public key, which is not encrypted, before the private one.
fn public_key_by_openssh(bytes: &[u8]) -> Option<PublicKey> {
    let mut rest = bytes.strip_prefix(OPENSSH)?;
    let _cipher = wire::take(&mut rest)?;
    let _derivation = wire::take(&mut rest)?;
    let _options = wire::take(&mut rest)?;
    let _keys = wire::take_u32(&mut rest)?;
    wire::take(&mut rest).map(|key| PublicKey(key.to_vec()))
}

fn rsa(pair: &RsaKeypair) -> Option<PKey<Private>> {
    let number = |number: &ssh_key::Mpint| BigNum::from_slice(number.as_positive_bytes()?).ok();
    let n = number(&pair.public.n)?;
    let e = number(&pair.public.e)?;
    let private = &pair.private;
    let d = number(&private.d)?;
    let p = number(&private.p)?;
    let q = number(&private.q)?;
    assemble([n, e, d, p, q], number(&private.iqmp)?).and_then(PKey::from_rsa).ok()
}

/// Builds the key with the two exponents that OpenSSH's format omits.
fn assemble([n, e, d, p, q]: [BigNum; 5], iqmp: BigNum) -> Result<Rsa<Private>, ErrorStack> {
    let mut context = BigNumContext::new_secure()?;
    let mut exponent = |prime: &BigNum| -> Result<BigNum, ErrorStack> {
        let mut less = BigNum::new_secure()?;
        let mut rest = BigNum::new_secure()?;
        less.checked_sub(prime, &*BigNum::from_u32(1)?)?;
        rest.checked_rem(&d, &less, &mut context)?;
        Ok(rest)
    };
    let dmp1 = exponent(&p)?;
    let dmq1 = exponent(&q)?;
    Ok(RsaPrivateKeyBuilder::new(n, e, d)?.set_factors(p, q)?.set_crt_params(dmp1, dmq1, iqmp)?.build())
}

fn is_encrypted(pem: &[u8]) -> bool {
    let text = String::from_utf8_lossy(pem);
    text.contains("-----BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED")
}

fn name(id: Id) -> &'static str {
    match id {
        Id::ED25519 => "ssh-ed25519",
        Id::EC => "ecdsa",
        Id::DSA => "ssh-dss",
        _ => "foreign",
    }
}

fn unsupported(path: &Path, kind: &str) -> Error {
    refusal(format!("{} is a key of the kind {kind}, and Rucio servers can verify RSA keys only.", path.display()))
        .with_hint(Hint::run("Create one", "ssh-keygen -t rsa -b 4096 -f ~/.ssh/id_rucio"))
        .with_hint("Have it added to your account, and set [client] ssh_private_key to it.")
}

/// Returns the error for a key file that does not exist (any more) or cannot be read.
pub(super) fn unreadable(path: &Path, error: &IoError) -> Error {
    let place = path.display();
    let details = match error.kind() {
        ErrorKind::NotFound => format!("There is no SSH private key at {place}, and no SSH agent has it."),
        _ => format!("The SSH private key {place} cannot be read: {error}."),
    };
    refusal(details)
        .with_hint(format!("Put the key there, or load it into your SSH agent; {place}.pub must be its public key."))
}

fn refusal(details: String) -> Error {
    Error::new(Exception::CannotAuthenticate, details)
}
