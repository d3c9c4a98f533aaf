//! Trusted certificates, and the trust anchors among them for a connection.
//!
//! A CA directory of a grid site (`/etc/grid-security/certificates`) contains hundreds of CAs, of which a connection
//! needs one or two. Like OpenSSL, we load only the issuers of the server's certificates, by the hash in the file
//! names. Only a valid CA becomes an anchor ([`ListedCertificate::unfit`]).

use std::path::{Path, PathBuf};

use openssl::x509::X509;
use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;

use super::ca_file::{ListedCertificate, ca_certificates, name_one};
use super::path::Anchors;
use crate::certificate::{self, authority::most_below};
use crate::config::CaSource;
use crate::error::{Error, Result};

/// Maximum number of CAs with the same hash; their files are numbered from 0.
const MAX_PER_HASH: usize = 32;

/// The trusted certificates.
#[derive(Debug)]
pub(super) struct TrustAnchors {
    /// Certificates from files, loaded at the start.
    listed: Vec<ListedCertificate>,
    folders: Vec<PathBuf>,
    built_in: bool,
    /// Names of the sources, for messages.
    names: Vec<String>,
}

impl TrustAnchors {
    /// Creates an empty set.
    pub(super) fn none() -> Self {
        Self { listed: Vec::new(), folders: Vec::new(), built_in: false, names: Vec::new() }
    }

    /// Adds a source. For a directory, only the file names are read.
    ///
    /// # Errors
    /// An I/O error, or the source contains no certificate.
    pub(super) fn add(&mut self, source: &CaSource) -> Result<()> {
        match source {
            CaSource::File(path) => {
                let mut certificates = ca_certificates(path)?;
                certificates.retain(|one| certificate::names(&one.certificate).is_some());
                require(!certificates.is_empty(), path)?;
                self.listed.extend(certificates);
                self.names.push(path.display().to_string());
            }
            CaSource::Dir(folder) => {
                require(names(folder)?.next().is_some(), folder)?;
                self.names.push(folder.display().to_string());
                self.folders.push(folder.clone());
            }
            CaSource::BuiltIn => {
                self.built_in = true;
                self.names.push("Mozilla's set, which is built in".to_owned());
            }
        }
        Ok(())
    }

    /// Returns the directories among the sources.
    pub(super) fn folders(&self) -> &[PathBuf] {
        &self.folders
    }

    /// Returns the certificates from files, without those whose trust settings exclude servers.
    pub(super) fn in_file_sources(&self) -> impl Iterator<Item = &CertificateDer<'static>> {
        self.listed.iter().filter(|one| !one.is_rejected).map(|one| &one.certificate)
    }

    /// Whether the built-in set is among the sources.
    pub(super) fn has_built_in(&self) -> bool {
        self.built_in
    }

    /// Returns the names of the sources.
    pub(super) fn describe(&self) -> String {
        self.names.join(", ")
    }

    /// Returns whether this certificate itself is trusted.
    pub(super) fn contains(&self, certificate: &CertificateDer<'_>) -> bool {
        let hash = X509::from_der(certificate).map(|one| one.subject_name_hash());
        let in_folders = self.folders.iter().filter_map(|folder| Some(authorities(folder, *hash.as_ref().ok()?)));
        let in_folders: Vec<_> = in_folders.flatten().collect();
        let mut same = self.listed.iter().chain(&in_folders).filter(|one| one.certificate == *certificate);
        same.any(|one| !one.is_rejected)
    }

    /// Returns the trusted certificates whose names are those of the issuers. Directories are looked up by hash.
    pub(super) fn signers(&self, presented: &[CertificateDer<'_>]) -> Vec<ListedCertificate> {
        let issuers = issuers(presented);
        let mut signers = self.in_files(&issuers);
        for folder in &self.folders {
            let mut hashes: Vec<_> = presented.iter().filter_map(issuer_hash).collect();
            hashes.sort_unstable();
            hashes.dedup();
            let in_folder = hashes.into_iter().flat_map(|hash| authorities(folder, hash));
            signers.extend(in_folder.filter(|one| one.is_named_in(&issuers)));
        }
        signers
    }

    /// Returns the same, but reads all files of directories, whose names may not be current hashes. Includes the first
    /// of the given certificates itself, if it is trusted.
    pub(super) fn search(&self, presented: &[CertificateDer<'_>]) -> Vec<ListedCertificate> {
        let issuers = issuers(presented);
        let files = self.folders.iter().flat_map(|folder| names(folder).into_iter().flatten());
        let in_folders = files.flat_map(|path| readable(&path));
        let found = in_folders.filter(|one| one.is_named_in(&issuers) || presented.first() == Some(&one.certificate));
        self.in_files(&issuers).into_iter().chain(found).collect()
    }

    fn in_files(&self, names: &[&[u8]]) -> Vec<ListedCertificate> {
        self.listed.iter().filter(|one| one.is_named_in(names)).cloned().collect()
    }

    /// Returns the trust anchors among these certificates at the time `now` (seconds since 1970), and the built-in
    /// ones.
    pub(super) fn anchors(&self, listed: &[ListedCertificate], now: i64) -> Anchors {
        let mut anchors = Anchors { unlimited: RootCertStore::empty(), limited: Vec::new() };
        for one in listed.iter().filter(|one| one.unfit(now).is_none()) {
            match most_below(&one.certificate) {
                Some(most) => anchors.limited.push((one.certificate.clone(), most)),
                None => _ = anchors.unlimited.add_parsable_certificates([one.certificate.clone()]),
            }
        }
        if self.built_in {
            anchors.unlimited.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        anchors
    }
}

/// Returns the issuer names of these certificates.
fn issuers<'a>(presented: &'a [CertificateDer<'_>]) -> Vec<&'a [u8]> {
    presented.iter().filter_map(|one| certificate::names(one)).map(|(issuer, _)| issuer).collect()
}

fn issuer_hash(certificate: &CertificateDer<'_>) -> Option<u32> {
    Some(X509::from_der(certificate).ok()?.issuer_name_hash())
}

/// Returns the CAs with this hash of the subject name: `0a1b2c3d.0`, `0a1b2c3d.1` ...
pub(super) fn authorities(folder: &Path, hash: u32) -> Vec<ListedCertificate> {
    numbered(folder, hash, "").flat_map(|path| readable(&path)).collect()
}

/// Common CA directories of grid sites and Linux distributions, for hints.
pub(super) const USUAL_FOLDERS: [&str; 2] = ["/etc/grid-security/certificates", "/etc/ssl/certs"];

/// Returns the first of these directories with a valid CA that may have issued one of these certificates.
pub(super) fn known_at<'a>(folders: &[&'a str], presented: &[CertificateDer<'_>], now: i64) -> Option<&'a str> {
    let hashes: Vec<u32> = presented.iter().filter_map(issuer_hash).collect();
    let is_fit = |one: &ListedCertificate| one.unfit(now).is_none();
    let knows = |folder: &Path| hashes.iter().any(|hash| authorities(folder, *hash).iter().any(is_fit));
    folders.iter().find(|folder| knows(Path::new(folder))).copied()
}

/// Returns the existing files for a hash, numbered consecutively. `kind` is empty for certificates, `r` for CRLs.
pub(super) fn numbered(folder: &Path, hash: u32, kind: &str) -> impl Iterator<Item = PathBuf> {
    let path = move |number| folder.join(format!("{hash:08x}.{kind}{number}"));
    (0..MAX_PER_HASH).map(path).take_while(|path| path.exists())
}

/// Reads the certificates of a file; skips it if it is unreadable.
fn readable(path: &Path) -> Vec<ListedCertificate> {
    ca_certificates(path).inspect_err(|error| tracing::debug!("{error}")).unwrap_or_default()
}

/// Returns the certificate files of a hashed directory, which also contains CRLs and policies.
fn names(folder: &Path) -> Result<impl Iterator<Item = PathBuf>> {
    let unreadable = |error| Error::io(format!("Cannot read the CA folder {}", folder.display()), error);
    let paths = std::fs::read_dir(folder).map_err(unreadable)?.flatten().map(|entry| entry.path());
    Ok(paths.filter(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(is_hashed_name)))
}

fn is_hashed_name(name: &str) -> bool {
    name.split_once('.').is_some_and(|(hash, number)| {
        hash.len() == 8
            && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
            && !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

fn require(found: bool, path: &Path) -> Result<()> {
    let none = || format!("There is no CA certificate in {}.", path.display());
    if found { Ok(()) } else { Err(Error::value(none()).with_hint(name_one())) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use openssl::asn1::Asn1Time;
    use openssl::hash::MessageDigest;
    use openssl::pkey::PKey;
    use openssl::x509::X509Name;

    #[test]
    fn ca_hash_names_are_told_from_crls_and_policies() {
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
    fn ca_folder_with_the_signer_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().to_str().unwrap();
        let (mut name, mut authority) = (X509Name::builder().unwrap(), X509::builder().unwrap());
        name.append_entry_by_text("CN", "Authority").unwrap();
        let name = name.build();
        authority.set_subject_name(&name).unwrap();
        authority.set_issuer_name(&name).unwrap();
        let key = PKey::generate_ed25519().unwrap();
        authority.set_pubkey(&key).unwrap();
        authority.set_not_before(&Asn1Time::from_unix(0).unwrap()).unwrap();
        authority.set_not_after(&Asn1Time::from_unix(9).unwrap()).unwrap();
        authority.sign(&key, MessageDigest::null()).unwrap();
        let authority = authority.build();
        let presented = [CertificateDer::from(authority.to_der().unwrap())];
        assert_eq!(known_at(&["/nowhere", place], &presented, 5), None);
        let file = folder.path().join(format!("{:08x}.0", authority.issuer_name_hash()));
        std::fs::write(file, authority.to_pem().unwrap()).unwrap();
        assert_eq!(known_at(&["/nowhere", place], &presented, 5), Some(place));
        assert_eq!(known_at(&["/nowhere", place], &presented, 10), None, "it has expired");
        assert_eq!(known_at(&["/nowhere"], &presented, 5), None);
    }

    #[test]
    fn ca_file_without_certificates_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = TrustAnchors::none().add(&CaSource::File(file.path().to_owned())).unwrap_err();
        assert!(error.to_string().contains(&file.path().display().to_string()), "{error}");
    }
}
