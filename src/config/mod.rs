//! Stub, replaced by the config branch.
use crate::secret::Secret;
use std::path::PathBuf;
use std::time::Duration;
/// Settings.
#[derive(Debug, Clone)]
pub struct Settings {
    /// x
    pub rucio_host: String,
    /// x
    pub auth_host: String,
    /// x
    pub trace_host: String,
    /// x
    pub account: Option<String>,
    /// x
    pub vo: String,
    /// x
    pub auth: AuthMethod,
    /// x
    pub ca: CaSource,
    /// x
    pub timeout: Option<Duration>,
    /// x
    pub user_agent: String,
    /// x
    pub request_retries: u32,
    /// x
    pub token_dir: PathBuf,
    /// x
    pub token_file: PathBuf,
    /// x
    pub hosts_from_file: bool,
}
/// x
#[derive(Debug, Clone)]
pub enum AuthMethod {
    /// x
    Userpass {
        /// x
        username: String,
        /// x
        password: Secret,
    },
    /// x
    X509 {
        /// x
        cert: PathBuf,
        /// x
        key: Option<PathBuf>,
    },
    /// x
    X509Proxy {
        /// x
        proxy: PathBuf,
    },
    /// x
    Oidc(OidcSettings),
    /// x
    Ssh {
        /// x
        private_key: PathBuf,
    },
    /// x
    Gss,
}
/// x
#[derive(Debug, Clone)]
pub struct OidcSettings {
    /// x
    pub scope: String,
    /// x
    pub audience: Option<String>,
    /// x
    pub issuer: Option<String>,
    /// x
    pub polling: bool,
    /// x
    pub refresh_lifetime: Option<String>,
}
/// x
#[derive(Debug, Clone)]
pub enum CaSource {
    /// x
    File(PathBuf),
    /// x
    Dir(PathBuf),
    /// x
    BuiltIn,
}
