//! Authentication: obtains, caches, renews and replaces the tokens that requests are sent with. One module per
//! authentication method, the token cache, and the sessions that users see. The settings of a method are in `config`,
//! requests in `http`; nothing here prints.
//!
//! # The states of a token
//!
//! | state | what happens next |
//! |---|---|
//! | none, or expired in the cache | [`obtain`](Login::obtain): a token of another program, a cached one, or a login |
//! | valid | requests are sent with it |
//! | valid, but expires soon (OpenID Connect) | [`refresh_if_expiring`](Login::refresh_if_expiring): renewed without interaction, or used to its end |
//! | refused by the server | [`replace_refused`](Login::replace_refused): one that another process has written since, or a new one |
//!
//! A *new* token is renewed with a refresh token if there is one ([`renew_or_log_in`](Login::renew_or_log_in)), else
//! comes from a complete login ([`authenticate`](Login::authenticate)). Both are done by one process at a time; the
//! others wait for the lock of the cache and read what it wrote.

mod clock_skew;
mod gss;
mod identity;
mod jwt;
mod lifecycle;
mod login;
mod oidc;
pub(crate) mod session;
pub(crate) mod ssh;
mod token;
mod token_cache;
mod userpass;
mod x509;

use crate::error::{Error, Result};
pub(crate) use gss::ap_request;
pub(crate) use jwt::Claims;
pub(crate) use lifecycle::{external_storage_tokens, external_token};
pub(crate) use login::Login;
pub(crate) use oidc::can_resume;
use token::Token;
pub(crate) use token::TokenSource;
pub(crate) use token_cache::{CachedToken, TokenState, inspect, trusted};
use token_cache::{TokenCache, TokenOrigin};

/// Runs `ask` on a blocking thread: it may wait for the user, and Ctrl-C must still work.
pub(crate) async fn ask_blocking<T: Send + 'static>(ask: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let task = tokio::task::spawn_blocking(ask);
    task.await.map_err(|error| Error::io("Cannot ask", std::io::Error::other(error)))
}
