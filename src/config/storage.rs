//! Credentials and CA certificates for storages. They differ from those for the Rucio server: on the grid, storages
//! accept a proxy certificate and are signed by other CAs.

use super::{AuthMethod, BearerTokens, CaSource, Settings, paths};
use crate::env_vars::{self, Env};
use std::path::{Path, PathBuf};

/// Where grid sites keep the certificates of trusted CAs.
const GRID_CAS: &str = "/etc/grid-security/certificates";

/// Where XRootD keeps the keys that a client shares with servers.
const SHARED_KEYS: &str = "~/.xrd/sss.keytab";

/// Credentials and CA certificates for storages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageAccess {
    /// The client certificate, with its key if that is in another file.
    pub certificate: Option<(PathBuf, Option<PathBuf>)>,
    /// All CA certificates used to verify storages.
    pub cas: Vec<CaSource>,
    /// Where other programs put tokens for storages.
    pub bearer: BearerTokens,
    /// Name of the local user, for servers that trust it.
    pub user: String,
    /// The only authentication methods to use over XRootD's protocol, if the user names some.
    pub xrootd_methods: Option<Vec<String>>,
    /// The file with keys that are shared with XRootD servers, if there is one.
    pub xrootd_keytab: Option<PathBuf>,
    /// Whether XRootD servers may have the certificate of the name that the DNS has for their address.
    pub xrootd_trusts_dns: bool,
}

impl StorageAccess {
    /// Resolves the certificate: `X509_USER_PROXY`, else the proxy at its usual path, else `X509_USER_CERT` with
    /// `X509_USER_KEY`, else the certificate used to log in to Rucio. Trusted are the CAs of the server, of the grid and the built-in ones.
    pub fn resolve(settings: &Settings, env: &Env) -> Self {
        let named = env.get(env_vars::X509_USER_PROXY).map(|path| paths::expand(&path, env));
        let usual = || {
            Some(super::auth::usual_proxy()).filter(|path| path.is_file() && !super::auth::belongs_to_other_user(path))
        };
        let proxy = named.or_else(usual).map(|path| (path, None));
        let certificate =
            proxy.or_else(|| super::auth::grid_certificate(env)).or_else(|| login_certificate(&settings.auth));
        let (bearer, user) = (BearerTokens::for_storages(env), paths::user_name(env));
        let methods = env.get(env_vars::XrdSecPROTOCOL);
        let xrootd_methods = methods.map(|text| {
            let names = text.split([',', ' ']).filter(|name| !name.is_empty());
            names.map(str::to_owned).collect()
        });
        let keytab = env.get(env_vars::XrdSecSSSKT).map(|path| paths::expand(&path, env));
        let usual = || Some(paths::expand(SHARED_KEYS, env)).filter(|path| path.is_file());
        let xrootd_keytab = keytab.or_else(usual);
        let xrootd_trusts_dns = env.get(env_vars::XrdSecGSITRUSTDNS).is_some_and(|value| value != "0");
        let cas = authorities(settings, env);
        Self { certificate, cas, bearer, user, xrootd_methods, xrootd_keytab, xrootd_trusts_dns }
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
    fn storage_proxy_of_the_environment_is_used() {
        let env = Env::fixed([("X509_USER_PROXY", "/a/proxy"), ("TMPDIR", "/tmp")]);
        assert_eq!(access(&env).certificate, Some(("/a/proxy".into(), None)));
    }

    #[test]
    fn storage_methods_of_xrootd_are_those_of_the_environment() {
        let methods = access(&Env::fixed([("XrdSecPROTOCOL", "ztn, gsi")])).xrootd_methods;
        assert_eq!(methods, Some(vec!["ztn".to_owned(), "gsi".to_owned()]));
        assert_eq!(access(&Env::fixed([])).xrootd_methods, None);
        assert!(!access(&Env::fixed([])).xrootd_trusts_dns);
        for (value, expected) in [("0", false), ("1", true)] {
            assert_eq!(access(&Env::fixed([("XrdSecGSITRUSTDNS", value)])).xrootd_trusts_dns, expected, "{value}");
        }
        assert_eq!(access(&Env::fixed([("XrdSecSSSKT", "/a/keys")])).xrootd_keytab, Some("/a/keys".into()));
    }

    #[test]
    fn storage_certificate_of_the_environment_is_used() {
        let env = Env::fixed([("X509_USER_CERT", "/a/cert"), ("X509_USER_KEY", "/a/key"), ("X509_USER_PROXY", "/a/p")]);
        assert_eq!(access(&env).certificate, Some(("/a/p".into(), None)));
        let env = Env::fixed([("X509_USER_CERT", "/a/cert"), ("X509_USER_KEY", "/a/key")]);
        // A proxy of the user who runs the tests comes first.
        if !crate::config::auth::usual_proxy().is_file() {
            assert_eq!(access(&env).certificate, Some(("/a/cert".into(), Some("/a/key".into()))));
        }
        assert_eq!(access(&Env::fixed([("X509_USER_KEY", "/a/key")])).certificate, access(&Env::fixed([])).certificate);
    }

    #[test]
    fn storage_cas_are_those_of_grid_server_and_web() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().to_str().unwrap();
        let env = Env::fixed([("X509_CERT_DIR", folder)]);
        assert_eq!(access(&env).cas, [CaSource::Dir(dir.path().to_owned()), CaSource::BuiltIn]);
        let env = Env::fixed([("X509_CERT_DIR", "/nowhere")]);
        assert_eq!(access(&env).cas, [CaSource::BuiltIn]);
    }
}
