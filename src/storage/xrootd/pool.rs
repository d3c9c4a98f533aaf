//! Sessions, kept for the next file.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex};

use super::address::Server;
use super::login::{Session, SessionSettings};
use crate::lock::lock;
use crate::storage::Result;

/// A server, and what is shown at the login. Sessions are kept by it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Target {
    pub(super) server: Server,
    /// Parameters that a redirect wants for the login.
    pub(super) login_token: Option<String>,
    /// Index of the bearer token that may be shown to this server.
    pub(super) token: Option<usize>,
}

/// The idle sessions, by server.
#[derive(Debug)]
pub(super) struct SessionPool {
    idle: Mutex<HashMap<Target, Vec<Arc<Session>>>>,
    pub(super) settings: SessionSettings,
}

/// A session in use, for one file at a time. Dropping it makes it available again.
#[derive(Debug)]
pub(super) struct Lease {
    session: Arc<Session>,
    pool: Arc<SessionPool>,
    target: Target,
    /// Whether it was used before: then the server may have closed it without notice.
    pub(super) was_kept: bool,
}

impl SessionPool {
    pub(super) fn new(settings: SessionSettings) -> Arc<Self> {
        Arc::new(Self { idle: Mutex::default(), settings })
    }

    /// Returns a kept session, or starts one.
    pub(super) async fn lease(self: &Arc<Self>, target: &Target) -> Result<Lease> {
        match self.take_idle(target) {
            Some(session) => Ok(self.lend(session, target.clone(), true)),
            None => self.start(target).await,
        }
    }

    /// Starts a session, although there may be kept ones; these are dropped, as one of them was dead.
    pub(super) async fn lease_new(self: &Arc<Self>, target: &Target) -> Result<Lease> {
        lock(&self.idle).remove(target);
        self.start(target).await
    }

    async fn start(self: &Arc<Self>, target: &Target) -> Result<Lease> {
        let session = Session::start(target, &self.settings).await?;
        Ok(self.lend(Arc::new(session), target.clone(), false))
    }

    fn lend(self: &Arc<Self>, session: Arc<Session>, target: Target, was_kept: bool) -> Lease {
        Lease { session, pool: self.clone(), target, was_kept }
    }

    fn take_idle(&self, target: &Target) -> Option<Arc<Session>> {
        let mut idle = lock(&self.idle);
        let sessions = idle.get_mut(target)?;
        while let Some(session) = sessions.pop() {
            if session.connection.is_alive() {
                return Some(session);
            }
        }
        None
    }
}

impl Deref for Lease {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Bytes still arriving for a dropped reader would delay the next file.
        if self.session.connection.is_alive() && self.session.connection.is_quiet() {
            lock(&self.pool.idle).entry(self.target.clone()).or_default().push(self.session.clone());
        }
    }
}
