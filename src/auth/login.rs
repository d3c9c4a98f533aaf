//! What a login needs, and the login itself: by the configured authentication method.

use std::sync::Arc;

use super::lifecycle::TokenSlot;
use super::{Token, TokenCache, TokenOrigin, gss, identity, oidc, ssh, userpass, x509};
use crate::config::{AuthMethod, Settings};
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::hint::{Command, Hint, Parameter};
use crate::http::{Client, Transport};
use crate::interact::{Interact, NonInteractive};

/// The servers, the token cache and the user, for tokens of one account at one server. Cheap to clone; nothing is read
/// or sent before a token is needed.
#[derive(Clone)]
pub(crate) struct Login {
    pub(super) transport: Transport,
    pub(super) cache: TokenCache,
    /// Server, account and authentication method of the tokens.
    pub(super) origin: TokenOrigin,
    /// Prompts for pass phrases and login codes.
    pub(super) interact: Arc<dyn Interact>,
    /// Whether a missing token may be obtained; otherwise only the cached one is used.
    pub(super) may_log_in: bool,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("transport", &self.transport).finish_non_exhaustive()
    }
}

impl Login {
    /// Creates the login for these settings. `script` is shown as the command in the server's log (`rucio::list-dids`);
    /// `interact` prompts for pass phrases and login codes.
    pub(crate) fn new(settings: Settings, script: impl Into<String>, interact: Arc<dyn Interact>) -> Self {
        Self {
            cache: TokenCache::new(&settings),
            origin: TokenOrigin::from_settings(&settings),
            transport: Transport::new(settings, script),
            interact,
            may_log_in: true,
        }
    }

    /// Creates one that uses the cached token or none: it never logs in and never prompts.
    pub(crate) fn cached_only(settings: Settings, script: impl Into<String>) -> Self {
        Self { may_log_in: false, ..Self::new(settings, script, Arc::new(NonInteractive)) }
    }

    /// Returns a client with the tokens of this login.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.transport.clone(), Arc::new(TokenSlot::new(self.clone())))
    }

    /// Returns the same login after it was done: its own session is used, even if that required a login.
    pub(super) fn completed(&self) -> Self {
        let mut login = self.clone();
        if let Some(required) = &mut login.origin.required {
            required.requires_login = false;
        }
        login
    }

    /// Returns the settings of this login.
    pub(crate) fn settings(&self) -> &Settings {
        self.transport.settings()
    }

    /// Returns the connection to the servers, without tokens.
    pub(crate) fn transport(&self) -> &Transport {
        &self.transport
    }

    /// Returns whether a missing token may be obtained.
    pub(crate) fn may_log_in(&self) -> bool {
        self.may_log_in
    }

    /// Returns the configured account; `None` means the server's default for the identity.
    pub(super) fn account(&self) -> Option<&str> {
        self.settings().account.as_deref()
    }

    /// Returns the account, for authentication methods for which the server has no default account.
    pub(super) fn require_account(&self) -> Result<&str> {
        self.account().ok_or_else(|| {
            let details = format!("A login by {} requires an account, and none is set.", self.settings().auth.name());
            Error::new(Exception::CannotAuthenticate, details)
                .with_hint(Hint::parameters("Set the account", [Parameter::Account]))
        })
    }

    /// Lets the user log in by the configured authentication method, and saves the token.
    pub(super) async fn authenticate(&self) -> Result<Token> {
        tracing::debug!("get a new token");
        let token = match &self.settings().auth {
            AuthMethod::Userpass { username, password } => {
                userpass::authenticate(self, username.as_deref(), password.as_ref()).await
            }
            AuthMethod::X509 { cert, key } => x509::authenticate(self, "auth/x509", cert, key.as_deref()).await,
            AuthMethod::X509Proxy { proxy } => x509::authenticate(self, "auth/x509_proxy", proxy, None).await,
            AuthMethod::Oidc(_) if !self.interact.is_there() => {
                Err(Error::new(Exception::CannotAuthenticate, "This login needs a browser.")
                    .with_hint(Hint::LogIn { force: false }))
            }
            AuthMethod::Oidc(settings) => oidc::authenticate(self, settings).await,
            AuthMethod::Ssh { private_key, agent } => ssh::authenticate(self, private_key, agent.as_deref()).await,
            AuthMethod::Gss => gss::authenticate(self).await,
        }
        .map_err(|error| add_hint(error, &self.settings().auth))?;
        let known = token.identity.clone().or_else(|| identity::of_method(&self.settings().auth));
        let token = token.of_identity(known);
        self.save(&token);
        Ok(token)
    }

    /// Saves a token for the next command.
    pub(super) fn save(&self, token: &Token) {
        match self.cache.write(token, &self.origin) {
            Ok(place) => oidc::write_expiry(self.settings(), place.file(), token),
            Err(error) if self.settings().insecure => tracing::debug!("The token is not saved: {error}"),
            Err(error) => tracing::warn!("The token could not be saved: {error}"),
        }
    }
}

/// Adds a hint to a refused login, unless the error has one.
fn add_hint(error: Error, method: &AuthMethod) -> Error {
    if error.class() != Some(Exception::CannotAuthenticate) || !error.hints().is_empty() {
        return error;
    }
    match method {
        AuthMethod::Userpass { username, password } => {
            let user = username.as_deref().unwrap_or("the user");
            let parameters = [Parameter::User, Parameter::Password, Parameter::Account];
            let check = Hint::parameters(format!("Check the password of {user}, and the account"), parameters);
            let next = match password {
                Some(_) => Hint::command("To find out why", Command::Doctor),
                None => Hint::LogIn { force: false },
            };
            error.with_hint(check).with_hint(next)
        }
        AuthMethod::X509 { cert, .. } => {
            let advice = format!("Check that {} is valid and belongs to the account", cert.display());
            error.with_hint(Hint::parameters(advice, [Parameter::Certificate, Parameter::Account]))
        }
        AuthMethod::X509Proxy { .. } => {
            let advice = "Create a new proxy (voms-proxy-init or grid-proxy-init), or check the account";
            error.with_hint(Hint::parameters(advice, [Parameter::Account]))
        }
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn login_advice_is_added_only_to_refusals_without_any() {
        let proxy = AuthMethod::X509Proxy { proxy: "/tmp/x509up_u1".into() };
        let refused = || Error::new(Exception::CannotAuthenticate, "");
        assert!(format!("{:?}", add_hint(refused(), &proxy).hints()).contains("voms-proxy-init"));
        assert_eq!(add_hint(refused().with_hint("Mine."), &proxy).hints(), ["Mine.".into()]);
        assert!(add_hint(Error::new(Exception::ServerConnectionException, ""), &proxy).hints().is_empty());
    }
}
