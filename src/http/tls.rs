//! TLS as the grid needs it: roots from a file or a hashed folder, a client certificate or RFC 3820 proxy with
//! its whole chain, encrypted keys.
//!
//! reqwest's own `Identity` refuses proxy certificates (they carry a critical extension), hence our own resolver.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use openssl::pkey::PKey;
use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::CaSource;
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::secret::Secret;

/// Asks the user for the pass phrase of the key in this file.
pub type AskPassphrase = Arc<dyn Fn(&Path) -> std::io::Result<Secret> + Send + Sync>;

/// The question for the pass phrase of the key in this file.
pub fn question(key: &Path) -> String {
    format!("Pass phrase for {}: ", key.display())
}

/// A client certificate chain with its private key, ready for a handshake.
#[derive(Debug, Clone)]
pub struct Identity(Arc<CertifiedKey>);

impl Identity {
    /// Reads the certificate and every other certificate of `cert`, and the key from `key`, or from `cert` too when
    /// there is none (a proxy file holds both). An encrypted key is opened with the pass phrase `ask` gives.
    pub fn load(cert: &Path, key: Option<&Path>, ask: &AskPassphrase) -> Result<Self> {
        let pem = read(cert)?;
        let chain = certificates(&pem, cert)?;
        if chain.is_empty() {
            return Err(unusable(cert, "it holds no certificate in PEM form"));
        }
        let key_path = key.unwrap_or(cert);
        let key_pem = if key.is_some() { read(key_path)? } else { pem };
        let key = private_key(&key_pem, key_path, ask)?;
        let key = rustls::crypto::ring::sign::any_supported_type(&key)
            .map_err(|error| unusable(key_path, &format!("its key cannot be used ({error})")))?;
        Ok(Self(Arc::new(CertifiedKey::new(chain, key))))
    }
}

impl ResolvesClientCert for Identity {
    /// The server's wishes are not consulted: it knows best which of our one certificate it takes.
    fn resolve(&self, _issuers: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.key.choose_scheme(schemes).map(|_| self.0.clone())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// The TLS settings for a connection: whom to trust, and who we are.
pub fn client_config(ca: &CaSource, identity: Option<Identity>) -> Result<ClientConfig> {
    let mut store = RootCertStore::empty();
    add_roots(&mut store, ca)?;
    config(Arc::new(store), identity)
}

/// The same where several sources say whom to trust. One that cannot be read is left out.
pub fn client_config_of_all(cas: &[CaSource], identity: Option<Identity>) -> Result<ClientConfig> {
    let mut store = RootCertStore::empty();
    for ca in cas {
        if let Err(error) = add_roots(&mut store, ca) {
            tracing::debug!("{error}");
        }
    }
    config(Arc::new(store), identity)
}

fn config(store: Arc<RootCertStore>, identity: Option<Identity>) -> Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::new(Exception::ServerConnectionException, error.to_string()))?
        .with_root_certificates(store);
    Ok(match identity {
        Some(identity) => builder.with_client_cert_resolver(Arc::new(identity)),
        None => builder.with_no_client_auth(),
    })
}

fn add_roots(store: &mut RootCertStore, ca: &CaSource) -> Result<()> {
    let mut add = |path: &Path| -> Result<usize> {
        let (added, _) = store.add_parsable_certificates(certificates(&read(path)?, path)?);
        Ok(added)
    };
    let added = match ca {
        CaSource::File(path) => add(path)?,
        CaSource::Dir(folder) => hashed_certificates(folder)?.iter().map(|path| add(path)).sum::<Result<usize>>()?,
        CaSource::BuiltIn => {
            store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
            store.len()
        }
    };
    match (added, ca) {
        (0, CaSource::File(path) | CaSource::Dir(path)) => Err(Error::new(
            Exception::MissingClientParameter,
            format!("There is no CA certificate in {}", path.display()),
        )
        .with_hint("Name a file in PEM form or a hashed folder: --ca-certificate, X509_CERT_DIR or [client] ca_cert.")),
        _ => Ok(()),
    }
}

/// The certificates of a hashed folder (`0a1b2c3d.0`); it holds CRLs and policies beside them, which are left alone.
fn hashed_certificates(folder: &Path) -> Result<Vec<PathBuf>> {
    let unreadable = |error| Error::io(format!("Cannot read the CA folder {}", folder.display()), error);
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.file_name().and_then(|name| name.to_str()).is_some_and(is_hashed_name) {
            paths.push(path);
        }
    }
    Ok(paths)
}

fn is_hashed_name(name: &str) -> bool {
    name.split_once('.').is_some_and(|(hash, number)| {
        hash.len() == 8
            && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
            && !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// What TLS had against a connection, if that was what failed.
pub(crate) fn failure<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    std::iter::successors(Some(error), |error| {
        // The source of an I/O error is that of what it wraps, which would be passed over.
        let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        wrapped.map(|wrapped| wrapped as &(dyn std::error::Error + 'static)).or_else(|| error.source())
    })
    .find_map(|error| error.downcast_ref())
}

/// What to do where one side does not accept the other's certificate.
pub(crate) fn remedy(failure: &rustls::Error) -> Option<&'static str> {
    use rustls::{AlertDescription as Alert, CertificateError as Fault, Error};
    match failure {
        Error::InvalidCertificate(Fault::Expired | Fault::ExpiredContext { .. }) => {
            Some("The server's certificate expired: tell its administrators, and check the clock of this machine.")
        }
        Error::InvalidCertificate(Fault::NotValidForName | Fault::NotValidForNameContext { .. }) => {
            Some("The certificate is that of another host: check [client] rucio_host and auth_host.")
        }
        Error::InvalidCertificate(_) => {
            Some("Name the CA that signed it: --ca-certificate, X509_CERT_DIR or [client] ca_cert.")
        }
        Error::AlertReceived(
            Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::CertificateRequired
            | Alert::UnknownCA,
        ) => Some("The server does not accept your certificate: renew it, or name another with --certificate."),
        _ => None,
    }
}

fn certificates(pem: &[u8], path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| unusable(path, &format!("it is not well-formed PEM ({error})")))
}

fn private_key(pem: &[u8], path: &Path, ask: &AskPassphrase) -> Result<PrivateKeyDer<'static>> {
    if !is_encrypted(pem) {
        return PrivateKeyDer::from_pem_slice(pem)
            .map_err(|error| unusable(path, &format!("it holds no private key ({error})")));
    }
    let phrase = ask(path).map_err(|error| {
        let details = format!("{} is encrypted, and its pass phrase cannot be asked for: {error}", path.display());
        Error::new(Exception::CannotAuthenticate, details).with_hint(
            "Run the command once in a terminal: the token it gets serves the next ones. Or use a proxy certificate, \
             whose key is not encrypted.",
        )
    })?;
    PKey::private_key_from_pem_passphrase(pem, phrase.expose().as_bytes())
        .and_then(|key| key.private_key_to_pkcs8())
        .map(|der| PrivateKeyDer::Pkcs8(der.into()))
        .map_err(|_| unusable(path, "the pass phrase does not open its key"))
}

fn is_encrypted(pem: &[u8]) -> bool {
    let text = String::from_utf8_lossy(pem);
    text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED")
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| Error::io(format!("Cannot read {}", path.display()), error))
}

fn unusable(path: &Path, why: &str) -> Error {
    Error::new(Exception::CannotAuthenticate, format!("{} cannot be used: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use openssl::rsa::Rsa;
    use openssl::symm::Cipher;

    fn phrase(text: &'static str) -> AskPassphrase {
        Arc::new(move |_| Ok(Secret::from(text)))
    }

    #[test]
    fn hashed_names_are_told_from_crls_and_policies() {
        for (name, expected) in [
            ("0a1b2c3d.0", true),
            ("0A1B2C3D.12", true),
            ("0a1b2c3d.r0", false),
            ("0a1b2c3d.signing_policy", false),
            ("0a1b2c3.0", false),
            ("ca.pem", false),
            ("0a1b2c3d.", false),
        ] {
            assert_eq!(is_hashed_name(name), expected, "{name}");
        }
    }

    #[test]
    fn encrypted_keys_of_both_kinds_open_with_the_pass_phrase_only() {
        let rsa = Rsa::generate(2048).unwrap();
        let old = rsa.private_key_to_pem_passphrase(Cipher::aes_256_cbc(), b"secret").unwrap();
        let new = PKey::from_rsa(rsa).unwrap();
        let new = new.private_key_to_pem_pkcs8_passphrase(Cipher::aes_256_cbc(), b"secret").unwrap();
        for pem in [old, new] {
            assert!(private_key(&pem, Path::new("k"), &phrase("secret")).is_ok());
            let error = private_key(&pem, Path::new("k"), &phrase("wrong")).unwrap_err();
            assert!(error.to_string().contains("pass phrase"), "{error}");
        }
    }

    #[test]
    fn a_certificate_problem_is_found_below_what_wraps_it() {
        let unknown = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let wrapped = Error::io("connecting", std::io::Error::other(std::io::Error::other(unknown)));
        assert!(failure(&wrapped).and_then(remedy).is_some_and(|remedy| remedy.contains("ca_cert")));
        let refused = Error::io("connecting", std::io::ErrorKind::ConnectionRefused.into());
        assert!(failure(&refused).is_none());
        assert_eq!(remedy(&rustls::Error::DecryptError), None);
        assert!(remedy(&rustls::Error::AlertReceived(rustls::AlertDescription::CertificateExpired)).is_some());
    }

    #[test]
    fn a_ca_file_without_certificates_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = client_config(&CaSource::File(file.path().to_owned()), None).unwrap_err();
        assert!(error.to_string().contains(&file.path().display().to_string()), "{error}");
    }
}
