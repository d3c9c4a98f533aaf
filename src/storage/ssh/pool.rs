//! Pool of SSH sessions: reuses idle ones and limits their number per host.

use std::collections::HashMap;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::address::Host;
use super::session::Session;
use crate::storage::{Kind, Result, StorageError};

/// Maximum number of sessions per host: sshd refuses some of ten simultaneous logins (MaxStartups).
const SESSIONS: usize = 6;

/// The sessions of all hosts.
#[derive(Debug, Default)]
pub(super) struct Pool(Mutex<HashMap<Host, Arc<Logins>>>);

/// The sessions of one host.
#[derive(Debug)]
struct Logins {
    places: Arc<Semaphore>,
    idle: Mutex<Vec<Session>>,
}

/// A session in use. On drop it ends: its pending requests make it unusable for others.
pub(super) struct Lease {
    session: Session,
    logins: Arc<Logins>,
    _place: OwnedSemaphorePermit,
}

impl Pool {
    /// Returns an idle session for this host or starts a new one; waits while the limit is reached.
    pub(super) async fn lease(&self, host: &Host) -> Result<Lease> {
        let logins = self.logins(host);
        let place = logins.places.clone().acquire_owned().await;
        let place = place.map_err(|error| StorageError::new(Kind::Refused, error.to_string()))?;
        let idle = logins.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let session = match idle {
            Some(session) => session,
            None => Session::start(host).await?,
        };
        Ok(Lease { session, logins, _place: place })
    }

    /// Returns a lease of a given session.
    #[cfg(test)]
    pub(super) fn lend(&self, session: Session) -> Lease {
        let logins = self.logins(session.host());
        let place = logins.places.clone().try_acquire_owned().unwrap();
        Lease { session, logins, _place: place }
    }

    fn logins(&self, host: &Host) -> Arc<Logins> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Logins { places: Arc::new(Semaphore::new(SESSIONS)), idle: Mutex::default() });
        known.entry(host.clone()).or_insert_with(new).clone()
    }
}

impl Lease {
    /// Returns the session to the pool; no request may be pending.
    pub(super) fn hand_back(self) {
        self.logins.idle.lock().unwrap_or_else(PoisonError::into_inner).push(self.session);
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
