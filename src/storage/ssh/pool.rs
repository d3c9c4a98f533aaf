//! Logins that are kept for the next file, and no more of them than a host puts up with.

use std::collections::HashMap;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::address::Host;
use super::session::Session;
use crate::storage::{Kind, Result, StorageError};

/// How many logins at a time at one host: sshd refuses some where ten come at once (MaxStartups).
const SESSIONS: usize = 6;

/// The logins at all hosts.
#[derive(Debug, Default)]
pub(super) struct Pool(Mutex<HashMap<Host, Arc<Logins>>>);

/// The logins at one host.
#[derive(Debug)]
struct Logins {
    places: Arc<Semaphore>,
    idle: Mutex<Vec<Session>>,
}

/// A login in use. Dropped, it ends; what was under way in it is of no use to others.
pub(super) struct Lease {
    session: Session,
    logins: Arc<Logins>,
    _place: OwnedSemaphorePermit,
}

impl Pool {
    /// A login at this host: one that is free, else a new one, as soon as there may be one more.
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

    /// A lease of a session that something else answers.
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
    /// Nothing is under way in it: the next file can be read.
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
