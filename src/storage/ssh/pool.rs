//! Pool of SSH sessions: reuses idle ones and limits their number per host.

use std::collections::HashMap;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::address::SshHost;
use super::session::Session;
use crate::lock::lock;
use crate::storage::{Result, StorageError, StorageErrorKind};

/// Maximum number of sessions per host: sshd refuses some of ten simultaneous logins (MaxStartups).
const SESSIONS: usize = 6;

/// The sessions of all hosts.
#[derive(Debug, Default)]
pub(super) struct SessionPool(Mutex<HashMap<SshHost, Arc<HostSessions>>>);

/// The sessions of one host.
#[derive(Debug)]
struct HostSessions {
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Session>>,
}

/// A session in use. It ends on drop, unless it was [finished](Lease::finish).
pub(super) struct Lease {
    session: Session,
    sessions: Arc<HostSessions>,
    _permit: OwnedSemaphorePermit,
}

impl SessionPool {
    /// Returns an idle session for this host or starts a new one; waits while the limit is reached.
    pub(super) async fn lease(&self, host: &SshHost) -> Result<Lease> {
        let sessions = self.sessions_at(host);
        let permit = sessions.permits.clone().acquire_owned().await;
        let permit = permit.map_err(|error| StorageError::new(StorageErrorKind::Refused, error.to_string()))?;
        let session = match sessions.take_idle() {
            Some(session) => session,
            None => Session::start(host).await?,
        };
        Ok(Lease { session, sessions, _permit: permit })
    }

    /// Returns a lease of a given session.
    #[cfg(test)]
    pub(super) fn lend_for_test(&self, session: Session) -> Lease {
        let sessions = self.sessions_at(session.host());
        let permit = sessions.permits.clone().try_acquire_owned().unwrap();
        Lease { session, sessions, _permit: permit }
    }

    fn sessions_at(&self, host: &SshHost) -> Arc<HostSessions> {
        let mut known = lock(&self.0);
        let new = || Arc::new(HostSessions { permits: Arc::new(Semaphore::new(SESSIONS)), idle: Mutex::default() });
        known.entry(host.clone()).or_insert_with(new).clone()
    }
}

impl HostSessions {
    /// Returns an idle session whose connection has not ended meanwhile.
    fn take_idle(&self) -> Option<Session> {
        let mut idle = lock(&self.idle);
        while let Some(mut session) = idle.pop() {
            if !session.has_ended() {
                return Some(session);
            }
        }
        None
    }
}

impl Lease {
    /// Returns the session to the pool if the host has answered all its requests. Returns the outcome of its use.
    pub(super) fn finish<T>(self, outcome: Result<T>) -> Result<T> {
        if self.session.is_idle() {
            lock(&self.sessions.idle).push(self.session);
        }
        outcome
    }
}

impl Deref for Lease {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Session {
        &mut self.session
    }
}
