//! Which authorities may vouch for a server.

use super::{
    Config, Overrides, paths,
    sources::{Name, Origin, Sources},
};
use crate::{
    Error, Result,
    env_vars::{self, Env},
    exceptions::Exception,
};
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

const CA: Name = Name { option: "ca_cert", variable: Some(env_vars::X509_CERT_DIR), flag: None };

impl CaSource {
    /// The source alone, without the rest of the settings, and what named it. `https` says whether it is needed.
    ///
    /// # Errors
    /// `MissingClientParameter` if it is named and not there.
    pub fn of(overrides: &Overrides, env: &Env, config: &Config, https: bool) -> Result<(Self, Option<Origin>)> {
        let sources = Sources { env, config };
        let given = overrides.ca_certificate.as_ref();
        Ok((resolve(given, &sources, https)?, trace(given, &sources).map(|(_, origin)| origin)))
    }
}

fn trace(given: Option<&String>, sources: &Sources<'_>) -> Option<(String, Origin)> {
    let bundles = [env_vars::REQUESTS_CA_BUNDLE, env_vars::CURL_CA_BUNDLE];
    let bundle = || bundles.iter().find_map(|name| Some((sources.env.get(name)?, Origin::Variable(name))));
    sources.trace(given, &CA).or_else(bundle)
}

/// `--ca-certificate`, `X509_CERT_DIR`, `[client] ca_cert`; else what Python's requests looks at:
/// `REQUESTS_CA_BUNDLE`, `CURL_CA_BUNDLE`; else the built-in set. `https` says whether a server is asked over TLS:
/// only then must the path exist.
pub(super) fn resolve(given: Option<&String>, sources: &Sources<'_>, https: bool) -> Result<CaSource> {
    let Some((path, _)) = trace(given, sources) else { return Ok(CaSource::BuiltIn) };
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
