//! What storages are shown, and whom we trust to be a storage. Storages are not the Rucio server: on the grid they
//! know our proxy, and other authorities vouch for them.

use super::{AuthMethod, CaSource, Settings, paths};
use crate::env_vars::{self, Env};
use std::path::{Path, PathBuf};

/// Where grid sites keep the certificates of the authorities they trust.
const GRID_CAS: &str = "/etc/grid-security/certificates";

/// Credentials and trust for storages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageAccess {
    /// The client certificate, with its key where that is in another file.
    pub certificate: Option<(PathBuf, Option<PathBuf>)>,
    /// The authorities that may vouch for a storage, all of them together.
    pub cas: Vec<CaSource>,
}

impl StorageAccess {
    /// The certificate is `X509_USER_PROXY`, else the proxy at its usual place, else the one we log in to Rucio
    /// with. Trusted are the authorities of the grid and the built-in ones besides those that vouch for the server.
    pub fn resolve(settings: &Settings, env: &Env) -> Self {
        let named = env.get(env_vars::X509_USER_PROXY).map(|path| paths::expand(&path, env));
        let usual = || Some(super::auth::usual_proxy()).filter(|path| path.is_file() && !super::auth::is_strange(path));
        let proxy = named.or_else(usual).map(|path| (path, None));
        Self { certificate: proxy.or_else(|| login_certificate(&settings.auth)), cas: authorities(settings, env) }
    }
}

fn login_certificate(auth: &AuthMethod) -> Option<(PathBuf, Option<PathBuf>)> {
    match auth {
        AuthMethod::X509 { cert, key } => Some((cert.clone(), key.clone())),
        AuthMethod::X509Proxy { proxy } => Some((proxy.clone(), None)),
        _ => None,
    }
}

fn authorities(settings: &Settings, env: &Env) -> Vec<CaSource> {
    let folder = env.get(env_vars::X509_CERT_DIR).map_or_else(|| GRID_CAS.into(), |path| paths::expand(&path, env));
    let mut cas = vec![settings.ca.clone()];
    for ca in grid(&folder).into_iter().chain([CaSource::BuiltIn]) {
        if !cas.contains(&ca) {
            cas.push(ca);
        }
    }
    cas
}

fn grid(folder: &Path) -> Option<CaSource> {
    folder.is_dir().then(|| CaSource::Dir(folder.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Overrides};

    fn access(env: &Env) -> StorageAccess {
        let text = "[client]\nrucio_host = http://h\nauth_host = http://h\nauth_type = userpass\nusername = u\n\
                    password = p\naccount = a\n";
        let config = Config::parse(text, "test.cfg").unwrap();
        StorageAccess::resolve(&Settings::resolve(&Overrides::default(), env, &config).unwrap(), env)
    }

    #[test]
    fn the_proxy_named_by_the_environment_is_shown() {
        let env = Env::fixed([("X509_USER_PROXY", "/a/proxy"), ("TMPDIR", "/tmp")]);
        assert_eq!(access(&env).certificate, Some(("/a/proxy".into(), None)));
    }

    #[test]
    fn the_authorities_of_grid_server_and_web_are_trusted() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().to_str().unwrap();
        let env = Env::fixed([("X509_CERT_DIR", folder)]);
        assert_eq!(access(&env).cas, [CaSource::Dir(dir.path().to_owned()), CaSource::BuiltIn]);
        let env = Env::fixed([("X509_CERT_DIR", "/nowhere")]);
        assert_eq!(access(&env).cas, [CaSource::BuiltIn]);
    }
}
