//! Sessions, kept for the next file.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex};

use super::Failure;
use super::address::Server;
use super::login::{Session, SessionSettings};
use crate::lock::lock;

/// Server, and the parameters of the login.
type Key = (Server, Option<String>);

/// The idle sessions, by server.
#[derive(Debug)]
pub(super) struct SessionPool {
    idle: Mutex<HashMap<Key, Vec<Arc<Session>>>>,
    settings: SessionSettings,
}

/// A session in use, for one file at a time. Dropping it makes it available again.
#[derive(Debug)]
pub(super) struct Lease {
    session: Arc<Session>,
    pool: Arc<SessionPool>,
    key: Key,
    /// Whether it was used before: then the server may have closed it without notice.
    pub(super) was_kept: bool,
}

impl SessionPool {
    pub(super) fn new(settings: SessionSettings) -> Arc<Self> {
        Arc::new(Self { idle: Mutex::default(), settings })
    }

    /// Returns a kept session, or starts one.
    pub(super) async fn lease(self: &Arc<Self>, server: &Server, login_token: Option<&str>) -> Result<Lease, Failure> {
        let key = (server.clone(), login_token.map(str::to_owned));
        match self.take_idle(&key) {
            Some(session) => Ok(self.lend(session, key, true)),
            None => self.start(key).await,
        }
    }

    /// Starts a session, although there may be kept ones; these are dropped, as one of them was dead.
    pub(super) async fn lease_new(
        self: &Arc<Self>,
        server: &Server,
        login_token: Option<&str>,
    ) -> Result<Lease, Failure> {
        let key = (server.clone(), login_token.map(str::to_owned));
        lock(&self.idle).remove(&key);
        self.start(key).await
    }

    async fn start(self: &Arc<Self>, key: Key) -> Result<Lease, Failure> {
        let session = Session::start(&key.0, key.1.as_deref(), &self.settings).await?;
        Ok(self.lend(Arc::new(session), key, false))
    }

    fn lend(self: &Arc<Self>, session: Arc<Session>, key: Key, was_kept: bool) -> Lease {
        Lease { session, pool: self.clone(), key, was_kept }
    }

    fn take_idle(&self, key: &Key) -> Option<Arc<Session>> {
        let mut idle = lock(&self.idle);
        let sessions = idle.get_mut(key)?;
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
            lock(&self.pool.idle).entry(self.key.clone()).or_default().push(self.session.clone());
        }
    }
}
