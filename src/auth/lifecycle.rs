//! The token of a process from its first request to its last: found or obtained, renewed, replaced.

use futures_util::future::BoxFuture;
use tokio::sync::Mutex;

use super::{Claims, Login, Token, TokenSource, oidc};
use crate::config::{BearerTokens, Settings};
use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::http::TokenProvider;
use crate::secret::Secret;

/// The token of a client's requests, obtained at the first one.
pub(super) struct TokenSlot {
    login: Login,
    token: Mutex<Option<Token>>,
}

impl TokenSlot {
    pub(super) fn new(login: Login) -> Self {
        Self { login, token: Mutex::default() }
    }
}

impl TokenProvider for TokenSlot {
    fn token(&self) -> BoxFuture<'_, Result<Secret>> {
        Box::pin(async move {
            let mut slot = self.token.lock().await;
            let token = match &*slot {
                Some(token) => self.login.refresh_if_expiring(token.clone()).await,
                None => self.login.obtain().await?,
            };
            Ok(slot.insert(token).value.clone())
        })
    }

    fn replace_refused<'a>(&'a self, refused: &'a Secret) -> BoxFuture<'a, Result<Secret>> {
        Box::pin(async move {
            let mut slot = self.token.lock().await;
            let token = match &*slot {
                // Another task has already replaced it.
                Some(token) if token.value != *refused => token.clone(),
                Some(token) => self.login.replace_refused(token).await?,
                None => self.login.obtain().await?,
            };
            Ok(slot.insert(token).value.clone())
        })
    }
}

/// Returns source and expiry of another program's token that takes precedence over ours.
pub(crate) fn external_token(settings: &Settings) -> Option<(TokenSource, Option<i64>)> {
    oidc::discover(settings).map(|token| (token.source, token.expires))
}

/// Returns the tokens of other programs that may be shown to storages, in order of precedence, with their audiences.
pub(crate) fn external_storage_tokens(bearer: &BearerTokens, settings: &Settings) -> Vec<(Secret, Vec<String>)> {
    let audiences = |token: &Token| Claims::parse(token.expose()).unwrap_or_default().aud;
    oidc::discover_all(bearer, settings).into_iter().map(|token| (token.value.clone(), audiences(&token))).collect()
}

impl Login {
    /// Finds a token without logging in: one of another program, else the cached one if it belongs to this server.
    ///
    /// Returns `None` with `--insecure`: an existing token must not reach an unverified server.
    pub(super) fn find(&self) -> Option<Token> {
        let external = if self.settings().insecure { None } else { oidc::discover(self.settings()) };
        external.or_else(|| self.cache.read(&self.origin))
    }

    /// Returns the token to start with: an existing one, else a new one. If many processes start at once, one contacts
    /// the server and the others read the token that it wrote.
    pub(super) async fn obtain(&self) -> Result<Token> {
        let token = match self.find() {
            Some(token) if token.is_external() && !oidc::is_for_account(self, &token).await => {
                self.cache.read(&self.origin)
            }
            token => token,
        };
        if let Some(token) = token {
            return Ok(self.refresh_if_expiring(token).await);
        }
        if !self.may_log_in {
            return Err(Error::new(Exception::CannotAuthenticate, "There is no token in the cache."));
        }
        let _lock = self.cache.lock().await;
        match self.cache.read_again(&self.origin) {
            Some(token) => Ok(token),
            None => self.renew_or_log_in().await,
        }
    }

    /// Returns the token, renewed if it expires soon and can be renewed without interaction.
    pub(super) async fn refresh_if_expiring(&self, token: Token) -> Token {
        if self.may_log_in && oidc::is_due(self.settings(), &token) { oidc::refresh(self, token).await } else { token }
    }

    /// Replaces a token that the server refused: by one that another process has written since, or by a new one.
    pub(super) async fn replace_refused(&self, refused: &Token) -> Result<Token> {
        if !self.may_log_in {
            return Err(Error::new(Exception::CannotAuthenticate, "The server refuses the token in the cache."));
        }
        if refused.is_external() {
            return self.replace_refused_external(refused).await;
        }
        let _lock = self.cache.lock().await;
        match self.cache.read_again(&self.origin) {
            Some(token) if token != *refused => Ok(token),
            _ if oidc::recheck_refused_token(self, refused).await => Ok(refused.clone()),
            _ => self.renew_or_log_in().await,
        }
    }

    /// Replaces a refused token of another program: by one that this program has written since, else by the cached one
    /// if the server accepts it, else by a new one.
    async fn replace_refused_external(&self, refused: &Token) -> Result<Token> {
        match oidc::discover(self.settings()) {
            Some(token) if token != *refused => return Ok(token),
            _ => {}
        }
        let _lock = self.cache.lock().await;
        if oidc::recheck_refused_token(self, refused).await {
            return Ok(refused.clone());
        }
        oidc::warn_refused(self, refused);
        match self.cache.read_again(&self.origin) {
            Some(token) if oidc::recheck_refused_token(self, &token).await => Ok(token),
            _ => self.renew_or_log_in().await,
        }
    }

    /// Returns a new token, whether or not there is one; without interaction if a refresh token exists.
    pub(super) async fn force_renewal(&self) -> Result<Token> {
        let _lock = self.cache.lock().await;
        self.renew_or_log_in().await
    }

    /// Logs in, whether or not there is a token, and saves the new one.
    pub(super) async fn force_login(&self) -> Result<Token> {
        let _lock = self.cache.lock().await;
        self.authenticate().await
    }

    /// Returns a new token, without interaction if a refresh token exists. The caller holds the lock of the cache.
    async fn renew_or_log_in(&self) -> Result<Token> {
        match oidc::resume(self).await? {
            Some(token) => Ok(token),
            None => self.authenticate().await,
        }
    }
}
