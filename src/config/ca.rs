//! CA certificates used to verify servers.

use super::{
    Config, Overrides, paths,
    sources::{Name, Sources, ValueOrigin},
};
use crate::{
    Error, Result,
    env_vars::{self, Env},
    hint::{Hint, Parameter},
};
use std::path::PathBuf;

/// The source of the CA certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CaSource {
    /// A file of CA certificates in PEM format.
    File(PathBuf),
    /// A folder of CA certificates with hashed names (`0a1b2c3d.0`).
    Dir(PathBuf),
    /// Mozilla's set, which is built in.
    BuiltIn,
}

const CA: Name = Name::path("ca_cert", Parameter::CaCertificate);

impl CaSource {
    /// Resolves the source only, without the rest of the settings, and returns its origin. `https` says whether it is
    /// needed.
    ///
    /// # Errors
    /// It is needed, set and cannot be read.
    pub fn from_config(
        overrides: &Overrides,
        env: &Env,
        config: &Config,
        https: bool,
    ) -> Result<(Self, Option<ValueOrigin>)> {
        let sources = Sources { env, config };
        let given = overrides.ca_certificate.as_ref();
        Ok((resolve(given, &sources, https)?, trace(given, &sources).map(|(_, origin)| origin)))
    }
}

fn trace(given: Option<&String>, sources: &Sources<'_>) -> Option<(String, ValueOrigin)> {
    let bundles = [env_vars::REQUESTS_CA_BUNDLE, env_vars::CURL_CA_BUNDLE];
    let bundle = || bundles.iter().find_map(|name| Some((sources.env.get(name)?, ValueOrigin::Variable(name))));
    sources.trace(given, &CA).or_else(bundle)
}

/// Resolves `--ca-certificate`, `X509_CERT_DIR`, `[client] ca_cert`; else the variables of Python's requests,
/// `REQUESTS_CA_BUNDLE` and `CURL_CA_BUNDLE`; else the built-in set. The path must exist only if a server is reached
/// over TLS (`https`).
pub(super) fn resolve(given: Option<&String>, sources: &Sources<'_>, https: bool) -> Result<CaSource> {
    let Some((path, _)) = trace(given, sources) else { return Ok(CaSource::BuiltIn) };
    let path = paths::expand(&path, sources.env);
    match std::fs::metadata(&path) {
        Ok(found) if found.is_dir() => Ok(CaSource::Dir(path)),
        Ok(_) => Ok(CaSource::File(path)),
        Err(_) if !https => Ok(CaSource::BuiltIn),
        Err(error) => {
            let path_text = path.display();
            let details =
                format!("Could not find a suitable TLS CA certificate bundle, invalid path: {path_text}: {error}.");
            let unset = paths::remaining_variable(&path).map(|name| format!("The variable {name} is not set."));
            Err(Error::value(details)
                .with_hints(unset.into_iter().map(Hint::from))
                .with_hint(Hint::parameters("Correct the path", [Parameter::CaCertificate]))
                .with_hint("Without these, REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE are used."))
        }
    }
}
