//! Reads CA files: PEM in the forms that OpenSSL accepts, without starting OpenSSL, which takes a millisecond.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::{self, PemObject};

use crate::certificate::authority::{Unfit, unfit};
use crate::certificate::{self, trust_settings};
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::hint::{Hint, Parameter};

/// What ends the label of other forms of certificates: the oldest one, and the one with OpenSSL's trust settings behind
/// the certificate.
const OTHER_LABELS: [&str; 2] = ["X509 CERTIFICATE-----", "TRUSTED CERTIFICATE-----"];
const LABEL: &str = "CERTIFICATE-----";

/// Windows editors begin a file with this.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// A certificate from a trusted file or directory.
#[derive(Debug, Clone)]
pub(crate) struct ListedCertificate {
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) file: Arc<Path>,
    /// Whether the file's trust settings exclude TLS servers.
    pub(super) is_rejected: bool,
}

impl ListedCertificate {
    /// Splits off the trust settings.
    fn new(mut der: Vec<u8>, file: Arc<Path>) -> Self {
        let settings = trust_settings::split_off(&mut der);
        Self { certificate: der.into(), file, is_rejected: trust_settings::exclude_servers(&settings) }
    }

    /// Returns whether the subject is one of these names.
    pub(super) fn is_named_in(&self, names: &[&[u8]]) -> bool {
        certificate::names(&self.certificate).is_some_and(|(_, subject)| names.contains(&subject))
    }

    /// Returns why it may not be a trust anchor at this time (seconds since 1970).
    pub(crate) fn unfit(&self, now: i64) -> Option<Unfit> {
        if self.is_rejected { Some(Unfit::Rejected) } else { unfit(&self.certificate, now) }
    }
}

/// Reads the certificates of a file.
///
/// # Errors
/// An I/O error; `MissingClientParameter` if a part of the file is damaged.
pub(crate) fn ca_certificates(path: &Path) -> Result<Vec<ListedCertificate>> {
    let file: Arc<Path> = path.into();
    let bytes =
        crate::input_file::read(path).map_err(|error| Error::io(format!("Cannot read {}", path.display()), error))?;
    let pem = plain_labels(&bytes);
    let certificates = CertificateDer::pem_slice_iter(pem.as_bytes());
    let listed = certificates.map(|one| one.map(|der| ListedCertificate::new(der.to_vec(), file.clone())));
    listed.collect::<Result<_, _>>().map_err(|error| {
        let details = format!("{} cannot be used: {}.", path.display(), damage(&error));
        Error::new(Exception::MissingClientParameter, details).with_hint(name_one())
    })
}

/// Describes a damaged file.
fn damage(error: &pem::Error) -> &'static str {
    match error {
        pem::Error::MissingSectionEnd { .. } => "it breaks off within a certificate",
        pem::Error::Base64Decode(_) => "a certificate in it has characters that are not Base64",
        _ => "it is not well-formed PEM",
    }
}

/// Returns the text without a byte order mark, with all certificates under the current label.
fn plain_labels(bytes: &[u8]) -> Cow<'_, str> {
    let mut text = match String::from_utf8_lossy(bytes) {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim_start_matches(BYTE_ORDER_MARK)),
        // Comments in another encoding.
        Cow::Owned(text) => Cow::Owned(text.trim_start_matches(BYTE_ORDER_MARK).to_owned()),
    };
    for label in OTHER_LABELS {
        if text.contains(label) {
            text = text.replace(label, LABEL).into();
        }
    }
    text
}

/// Returns the hint for a file that is not one of CA certificates.
pub(super) fn name_one() -> Hint {
    Hint::parameters("Name a PEM file or a hashed folder", [Parameter::CaCertificate])
}
