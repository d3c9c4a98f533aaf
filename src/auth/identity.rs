//! The identity that credentials belong to, as far as it is known before a login. A session records it.

use std::path::Path;

use crate::certificate;
use crate::config::{AuthMethod, GivenCredentials, Settings};
use crate::input_file;
use crate::sha256;

/// The identity that a session must be of, because its credentials were given for this call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RequiredIdentity {
    /// The identity; `None` if it is not known before the login.
    pub(super) name: Option<String>,
    /// Whether an existing session is not used even so: a password was given, or the certificate is not valid now.
    pub(super) requires_login: bool,
}

impl RequiredIdentity {
    /// Returns the identity of the credentials that were given for this call, if there are any.
    pub(super) fn from_settings(settings: &Settings) -> Option<Self> {
        if settings.given == GivenCredentials::None {
            return None;
        }
        let is_invalid = match &settings.auth {
            AuthMethod::X509 { cert: file, .. } | AuthMethod::X509Proxy { proxy: file } => {
                certificate::inspect(file, None).is_ok_and(|certificate| certificate.require_good().is_err())
            }
            _ => false,
        };
        Some(Self {
            name: of_method(&settings.auth),
            requires_login: is_invalid || settings.given == GivenCredentials::Password,
        })
    }

    /// Whether a session of this identity, if that is known, may be used.
    pub(super) fn accepts(&self, identity: Option<&str>) -> bool {
        !self.requires_login && identity.is_some() && self.name.as_deref() == identity
    }
}

/// Returns the identity of the credentials: the user name, or the subject of the certificate.
pub(super) fn of_method(method: &AuthMethod) -> Option<String> {
    match method {
        AuthMethod::Userpass { username, .. } => username.clone(),
        AuthMethod::X509 { cert: file, .. } | AuthMethod::X509Proxy { proxy: file } => of_certificate(file),
        AuthMethod::Oidc(_) | AuthMethod::Ssh { .. } | AuthMethod::Gss => None,
    }
}

/// Returns the subject of a certificate; a digest of the file if it needs a pass phrase to be read.
fn of_certificate(file: &Path) -> Option<String> {
    let subject = certificate::inspect(file, None).map(|certificate| certificate.identity);
    subject.ok().or_else(|| Some(format!("sha256:{}", sha256::hex(input_file::read(file).ok()?))))
}
