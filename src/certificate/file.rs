//! A certificate file: PEM, with any number of certificates and perhaps a key, or PKCS#12.

use std::path::Path;

use openssl::pkcs12::{ParsedPkcs12_2, Pkcs12};
use openssl::pkey::{PKey, Private};
use openssl::provider::Provider;
use openssl::x509::X509;

use super::{AskPassphrase, Key};
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::hint::{Hint, shell_path};

/// The contents of a file.
pub(crate) struct Contents {
    /// The certificates, in the file's order; in PKCS#12 the user's own comes first.
    pub(crate) certificates: Vec<X509>,
    /// The private key.
    pub(crate) key: FileKey,
}

/// The private key in a file.
pub(crate) enum FileKey {
    /// There is none.
    None,
    /// A key in PEM form, not decrypted.
    Pem {
        /// The whole file.
        pem: Vec<u8>,
        /// Whether it needs a pass phrase.
        encrypted: bool,
    },
    /// A key from PKCS#12, where it was encrypted.
    Opened(PKey<Private>),
}

impl Contents {
    /// Reads the file. PKCS#12 is decrypted with the pass phrase that `ask` returns, unless it has none.
    ///
    /// # Errors
    /// `CannotAuthenticate` if it has neither format or cannot be decrypted; an I/O error if it cannot be read.
    pub(crate) fn read(path: &Path, ask: Option<&AskPassphrase>) -> Result<Self> {
        let bytes = crate::input_file::read(path)
            .map_err(|error| Error::io(format!("Cannot read {}", path.display()), error))?;
        match Pkcs12::from_der(&bytes) {
            Ok(container) => open(path, &container, ask),
            Err(_) => pem(path, bytes),
        }
    }
}

impl FileKey {
    /// Returns whether the key exists, and whether it is encrypted in the file.
    pub(crate) fn kind(&self) -> Key {
        match self {
            Self::None => Key::Missing,
            Self::Pem { encrypted: false, .. } => Key::Plain,
            Self::Pem { encrypted: true, .. } | Self::Opened(_) => Key::Encrypted,
        }
    }

    /// Returns the key, decrypted with the pass phrase from `ask` if it needs one; `None` if there is no key.
    pub(crate) fn open(self, path: &Path, ask: &AskPassphrase) -> Result<Option<PKey<Private>>> {
        match self {
            Self::None => Ok(None),
            Self::Opened(key) => Ok(Some(key)),
            Self::Pem { pem, encrypted: false } => PKey::private_key_from_pem(&pem)
                .map(Some)
                .map_err(|error| unusable(path, "its private key is damaged or of an unknown kind").with_source(error)),
            Self::Pem { pem, encrypted: true } => {
                let phrase = ask(path).map_err(|error| not_asked(path, &error))?;
                PKey::private_key_from_pem_passphrase(&pem, phrase.expose().as_bytes())
                    .map(Some)
                    .map_err(|_| unusable(path, "the pass phrase does not open its key").with_hint("Try again."))
            }
        }
    }
}

/// Returns the error for a file that cannot be used.
pub(crate) fn unusable(path: &Path, why: &str) -> Error {
    Error::new(Exception::CannotAuthenticate, format!("{} cannot be used: {why}", path.display()))
}

fn pem(path: &Path, pem: Vec<u8>) -> Result<Contents> {
    let text = String::from_utf8_lossy(&pem);
    let encrypted = text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED");
    let has_key = text.contains("PRIVATE KEY-----");
    // OpenSSL's trust settings follow such a certificate in its DER form, where they are not read.
    let plain = text.replace("TRUSTED CERTIFICATE-----", "CERTIFICATE-----");
    let certificates = X509::stack_from_pem(plain.as_bytes())
        .map_err(|error| unusable(path, "it is not well-formed PEM").with_source(error))?;
    let key = if has_key { FileKey::Pem { pem, encrypted } } else { FileKey::None };
    Ok(Contents { certificates, key })
}

fn open(path: &Path, container: &Pkcs12, ask: Option<&AskPassphrase>) -> Result<Contents> {
    let parsed = match parse(container, "") {
        Ok(parsed) => parsed,
        Err(_) => {
            let phrase = ask.map_or_else(|| Err(std::io::Error::other("no prompt is possible")), |ask| ask(path));
            let phrase = phrase.map_err(|error| not_asked(path, &error))?;
            parse(container, phrase.expose()).map_err(|why| unopened(path, &why))?
        }
    };
    let certificates = parsed.cert.into_iter().chain(parsed.ca.into_iter().flatten()).collect();
    Ok(Contents { certificates, key: parsed.pkey.map_or(FileKey::None, FileKey::Opened) })
}

/// Decrypts a container. Browsers and older programs use algorithms that OpenSSL 3 calls legacy, which are loaded only
/// then.
fn parse(container: &Pkcs12, phrase: &str) -> Result<ParsedPkcs12_2, openssl::error::ErrorStack> {
    // No pass phrase has a zero byte, and OpenSSL's bindings fail on one.
    let phrase = &phrase.replace('\0', "\u{fffd}");
    container.parse2(phrase).or_else(|error| {
        if !is_legacy(&error) {
            return Err(error);
        }
        let legacy = Provider::try_load(None, "legacy", true);
        let parsed = container.parse2(phrase);
        drop(legacy);
        parsed
    })
}

fn is_legacy(error: &openssl::error::ErrorStack) -> bool {
    error.errors().iter().any(|error| error.reason().is_some_and(|reason| reason.contains("unsupported")))
}

fn unopened(path: &Path, error: &openssl::error::ErrorStack) -> Error {
    if is_legacy(error) {
        let command = format!(
            "openssl pkcs12 -legacy -in {} -nodes -out plain.pem && openssl pkcs12 -export -in plain.pem -out new.p12 && rm \
             plain.pem",
            shell_path(path)
        );
        unusable(path, "its encryption is obsolete").with_hint(Hint::run("Convert it", command))
    } else {
        unusable(path, "the pass phrase does not open it").with_hint("Try again.")
    }
}

fn not_asked(path: &Path, error: &std::io::Error) -> Error {
    let details = format!("{} is encrypted, and the prompt for its pass phrase failed: {error}", path.display());
    Error::new(Exception::CannotAuthenticate, details).with_hint(
        "Log in once in a terminal: other commands use the saved token. Or use a proxy certificate, whose key is not \
         encrypted.",
    )
}
