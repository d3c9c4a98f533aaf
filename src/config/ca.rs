//! Which authorities may vouch for a server.

use super::{
    paths,
    sources::{Name, Sources},
};
use crate::{Error, Result, env_vars, exceptions::Exception};
use std::path::PathBuf;

/// Where the certificates of the authorities come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CaSource {
    /// A file of certificates in PEM format.
    File(PathBuf),
    /// A folder of certificates with hashed names (`0a1b2c3d.0`).
    Dir(PathBuf),
    /// The set of Mozilla that is built in.
    BuiltIn,
}

/// `--ca-certificate`, `X509_CERT_DIR`, `[client] ca_cert`; else what Python's requests looks at:
/// `REQUESTS_CA_BUNDLE`, `CURL_CA_BUNDLE`; else the built-in set. `https` says whether a server is asked over TLS:
/// only then must the path exist.
pub(super) fn resolve(given: Option<&String>, sources: &Sources<'_>, https: bool) -> Result<CaSource> {
    const CA: Name = Name { option: "ca_cert", variable: Some(env_vars::X509_CERT_DIR), flag: None };
    let bundle = || sources.env.first(&[env_vars::REQUESTS_CA_BUNDLE, env_vars::CURL_CA_BUNDLE]);
    let Some(path) = sources.find(given, &CA).or_else(bundle) else { return Ok(CaSource::BuiltIn) };
    let path = paths::expand(&path, sources.env);
    match std::fs::metadata(&path) {
        Ok(found) if found.is_dir() => Ok(CaSource::Dir(path)),
        Ok(_) => Ok(CaSource::File(path)),
        Err(_) if !https => Ok(CaSource::BuiltIn),
        Err(error) => {
            let details = format!("The CA certificates at {} cannot be read: {error}.", path.display());
            Err(Error::new(Exception::MissingClientParameter, details).with_hint(
                "Correct --ca-certificate, X509_CERT_DIR, [client] ca_cert, REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE (the first that is set counts).",
            ))
        }
    }
}
