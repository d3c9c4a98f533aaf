//! Authentication methods and the credentials they need.

use super::{
    Config, OidcSettings, Overrides, oidc, paths,
    sources::{Name, Sources},
};
use crate::{
    Error, Result,
    env_vars::{self, Env},
    exceptions::Exception,
    hint::{Hint, Parameter, shell_path},
    secret::Secret,
};
use std::{
    fs::File,
    io::{ErrorKind, Read},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// An authentication method and its credentials. Its files were readable when it was resolved, except an SSH key that
/// only the agent holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthMethod {
    /// User name and password.
    Userpass {
        /// The user name, which may differ from the account. If it is missing, the login prompts for it.
        username: Option<String>,
        /// The password. If it is missing, the login prompts for it.
        password: Option<Secret>,
    },
    /// A client certificate.
    X509 {
        /// The certificate, in PEM format.
        cert: PathBuf,
        /// Its private key. If it is missing, the key is in the certificate's file.
        key: Option<PathBuf>,
    },
    /// A proxy certificate.
    X509Proxy {
        /// Proxy certificate, its key and the chain, in one file.
        proxy: PathBuf,
    },
    /// OpenID Connect.
    Oidc(Box<OidcSettings>),
    /// The private key of an SSH identity.
    Ssh {
        /// The key. The file may be missing if the agent holds the key and `<key>.pub` exists.
        private_key: PathBuf,
        /// The socket of the SSH agent, if there is one.
        agent: Option<PathBuf>,
    },
    /// Kerberos.
    Gss,
}

/// The credentials that command line or environment set in the place of those in the configuration file. A session is
/// only used if it is one of theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GivenCredentials {
    /// None: any session will do.
    None,
    /// A user name or a certificate.
    Identity,
    /// A password. Only a login shows whether it is correct.
    Password,
}

pub(super) const AUTH_TYPE: Name = Name::of("auth_type", Parameter::AuthMethod);
const USERNAME: Name = Name::of("username", Parameter::User);
const PASSWORD: Name = Name::of("password", Parameter::Password);
const CLIENT_CERT: Name = Name::path("client_cert", Parameter::Certificate);
const CLIENT_KEY: Name = Name::path("client_key", Parameter::ClientKey);
const CLIENT_PROXY: Name = Name::path("client_x509_proxy", Parameter::Proxy);
const SSH_PRIVATE_KEY: Name = Name::path_in_file("ssh_private_key");

impl AuthMethod {
    /// Returns the method's name, as in the configuration and in the server's paths.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Userpass { .. } => "userpass",
            Self::X509 { .. } => "x509",
            Self::X509Proxy { .. } => "x509_proxy",
            Self::Oidc(_) => "oidc",
            Self::Ssh { .. } => "ssh",
            Self::Gss => "gss",
        }
    }

    /// Resolves the method only, without the rest of the settings.
    ///
    /// # Errors
    /// Those of [`super::Settings::resolve`].
    pub fn from_config(overrides: &Overrides, env: &Env, config: &Config) -> Result<Self> {
        Self::resolve(overrides, &Sources { env, config })
    }

    /// Returns which of the credentials override those of the file. The variables of grid tools do not: the file has
    /// precedence over them.
    pub(super) fn given(&self, overrides: &Overrides, sources: &Sources<'_>) -> GivenCredentials {
        let is_given = |given: &Option<String>, name| sources.overrides_file(given.as_ref(), name);
        let is_identity_given = match self {
            Self::Userpass { password, .. } => {
                let in_file = || sources.find(None, &PASSWORD).map(Secret::from);
                if overrides.password.is_some() && *password != in_file() {
                    return GivenCredentials::Password;
                }
                is_given(&overrides.user, &USERNAME)
            }
            Self::X509 { .. } => {
                is_given(&overrides.certificate, &CLIENT_CERT) || is_given(&overrides.client_key, &CLIENT_KEY)
            }
            Self::X509Proxy { .. } => is_given(&overrides.certificate, &CLIENT_PROXY),
            Self::Oidc(_) | Self::Ssh { .. } | Self::Gss => false,
        };
        if is_identity_given { GivenCredentials::Identity } else { GivenCredentials::None }
    }

    /// Returns the name of the method. The official client looks it up before all other settings.
    pub(super) fn required_name(overrides: &Overrides, sources: &Sources<'_>) -> Result<String> {
        Ok(sources.require(overrides.auth_strategy.as_ref(), &AUTH_TYPE)?.to_lowercase())
    }

    pub(super) fn resolve(overrides: &Overrides, sources: &Sources<'_>) -> Result<Self> {
        let name = Self::required_name(overrides, sources)?;
        match name.as_str() {
            "userpass" => Ok(userpass(overrides, sources)),
            "x509" => x509(overrides, sources),
            "x509_proxy" => x509_proxy(overrides, sources),
            "oidc" => oidc::resolve(overrides, sources).map(|settings| Self::Oidc(settings.into())),
            "ssh" => ssh(sources),
            "gss" => Ok(Self::Gss),
            _ => Err(cannot_authenticate(format!("auth type '{name}' not supported"))
                .with_hint("The methods are userpass, x509, x509_proxy, oidc, ssh and gss.")
                .with_hint(Hint::parameters("Choose one", [Parameter::AuthMethod]))),
        }
    }
}

fn userpass(overrides: &Overrides, sources: &Sources<'_>) -> AuthMethod {
    let username = sources.find(overrides.user.as_ref(), &USERNAME);
    let password = overrides.password.clone().or_else(|| sources.find(None, &PASSWORD).map(Into::into));
    AuthMethod::Userpass { username, password }
}

fn x509(overrides: &Overrides, sources: &Sources<'_>) -> Result<AuthMethod> {
    let key = sources.find(overrides.client_key.as_ref(), &CLIENT_KEY).map(|key| paths::expand(&key, sources.env));
    let (cert, key) = match sources.find(overrides.certificate.as_ref(), &CLIENT_CERT) {
        Some(cert) => (paths::expand(&cert, sources.env), key),
        None => {
            let (cert, usual_key) = grid_certificate(sources.env)
                .ok_or_else(|| usual_certificate(sources.missing(&CLIENT_CERT), sources))?;
            (cert, key.or(usual_key))
        }
    };
    check_readable(&cert, "X.509 client certificate", Exception::MissingClientParameter)?;
    if let Some(key) = &key {
        check_readable(key, "X.509 client key", Exception::MissingClientParameter)?;
        check_private(key)?;
    }
    Ok(AuthMethod::X509 { cert, key })
}

/// Returns certificate and key of grid tools: `X509_USER_CERT` and `X509_USER_KEY`.
pub(super) fn grid_certificate(env: &Env) -> Option<(PathBuf, Option<PathBuf>)> {
    let path = |variable| env.get(variable).map(|path| paths::expand(&path, env));
    Some((path(env_vars::X509_USER_CERT)?, path(env_vars::X509_USER_KEY)))
}

/// Adds a hint if there is a certificate where grid tools keep one; the official client does not look there, nor does
/// this one.
fn usual_certificate(error: Error, sources: &Sources<'_>) -> Error {
    const PLACES: [(&str, Option<&str>); 2] =
        [("~/.globus/usercert.pem", Some("~/.globus/userkey.pem")), ("~/.globus/usercred.p12", None)];
    let expanded = |path: &str| paths::expand(path, sources.env);
    let Some((cert, key)) = PLACES.iter().find(|(cert, _)| expanded(cert).is_file()) else { return error };
    let value = |parameter, path: &str| (parameter, expanded(path).display().to_string());
    let values = [Some(value(Parameter::Certificate, cert)), key.map(|key| value(Parameter::ClientKey, key))];
    let values: Vec<_> = values.into_iter().flatten().collect();
    error.with_hint(Hint::values(format!("To use {cert}"), values))
}

/// The precedence is Rucio's: option, its own variable, its configuration, and only then the variable of grid tools.
fn x509_proxy(overrides: &Overrides, sources: &Sources<'_>) -> Result<AuthMethod> {
    let proxy = sources.find(overrides.certificate.as_ref(), &CLIENT_PROXY);
    let named = proxy.or_else(|| sources.env.get(env_vars::X509_USER_PROXY));
    let proxy = named.as_ref().map_or_else(usual_proxy, |proxy| paths::expand(proxy, sources.env));
    check_readable(&proxy, "proxy certificate", Exception::MissingClientParameter).map_err(|error| {
        error
            .with_only_hint(Hint::run("Create one", format!("voms-proxy-init -out {}", shell_path(&proxy))))
            .with_hints(sources.unset_in_file(&CLIENT_PROXY).into_iter().map(Hint::from))
            .with_hint(Hint::parameters("To use another path", [Parameter::Proxy]))
            .with_hint(Hint::LogIn { force: false })
    })?;
    if named.is_none() && belongs_to_other_user(&proxy) {
        Err(foreign_proxy_error(&proxy))
    } else {
        Ok(AuthMethod::X509Proxy { proxy })
    }
}

/// Whether the file belongs to another user. Anybody can put a proxy at the usual path, to make the user act and upload
/// under that identity.
pub(super) fn belongs_to_other_user(proxy: &Path) -> bool {
    let owner = std::fs::symlink_metadata(proxy).map(|file| file.uid());
    owner.is_ok_and(|owner| owner != rustix::process::geteuid().as_raw())
}

fn foreign_proxy_error(proxy: &Path) -> Error {
    cannot_authenticate(format!("The proxy certificate {} belongs to another user.", proxy.display()))
        .with_hint("Create your own at another path, with voms-proxy-init -out FILE.")
        .with_hint(Hint::parameters("Then set the path", [Parameter::Proxy]))
}

/// Returns the path where grid tools put a proxy certificate.
pub(super) fn usual_proxy() -> PathBuf {
    format!("/tmp/x509up_u{}", rustix::process::geteuid().as_raw()).into()
}

fn ssh(sources: &Sources<'_>) -> Result<AuthMethod> {
    let private_key = paths::expand(&sources.require(None, &SSH_PRIVATE_KEY)?, sources.env);
    let agent = sources.env.get(env_vars::SSH_AUTH_SOCK).map(PathBuf::from);
    if agent.is_none() || !only_public_half(&private_key) {
        check_readable(&private_key, "SSH private key", Exception::CannotAuthenticate)?;
    }
    Ok(AuthMethod::Ssh { private_key, agent })
}

/// Whether the agent must hold the key, because only the public key's file exists.
fn only_public_half(private_key: &Path) -> bool {
    let mut public = private_key.as_os_str().to_owned();
    public.push(".pub");
    !private_key.exists() && Path::new(&public).is_file()
}

/// Reads a byte, so that a missing file, a folder and an unreadable file are reported now and by name.
fn check_readable(path: &Path, what: &str, missing: Exception) -> Result<()> {
    let read = File::open(path).and_then(|mut file| file.read(&mut [0]));
    let place = path.display();
    match read {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let unset = paths::remaining_variable(path).map(|name| format!("The variable {name} is not set."));
            Err(Error::new(missing, not_found(what, &path.to_string_lossy()))
                .with_hints(unset.into_iter().map(Hint::from))
                .with_hint("Correct the path, or put the file there."))
        }
        Err(error) => Err(cannot_authenticate(format!("The {what} {place} cannot be read: {error}.")).with_hint(
            Hint::run("Check that it is a file and that you may read it", format!("ls -l {}", shell_path(path))),
        )),
    }
}

/// Words the absence of a file as the official client does.
fn not_found(what: &str, place: &str) -> String {
    match what {
        "SSH private key" => format!("Provided ssh private key '{place}' does not exist"),
        "proxy certificate" => format!("Cannot find a valid X509 proxy. There is no proxy certificate at {place}."),
        what => format!("{what} not found: '{place}'"),
    }
}

/// Checks that only its owner can access a private key: mode 400 or 600.
fn check_private(key: &Path) -> Result<()> {
    let place = key.display();
    let metadata = std::fs::metadata(key).map_err(|error| Error::io(format!("looking at {place}"), error))?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode == 0o400 || mode == 0o600 {
        return Ok(());
    }
    let details = format!(
        "X.509 authentication selected, but private key ({place}) permissions are liberal (required: 400 or 600, found: {mode:o})"
    );
    Err(cannot_authenticate(details).with_hint(Hint::run("", format!("chmod 600 {}", shell_path(key)))))
}

fn cannot_authenticate(details: String) -> Error {
    Error::new(Exception::CannotAuthenticate, details)
}

#[cfg(test)]
mod tests;
