//! What an interrupted upload may leave at a storage.

use std::collections::HashSet;
use std::sync::Mutex;

use tokio::sync::watch;

use crate::lock::lock;
use crate::storage::write::Lock;
use crate::storage::{Pfn, Result};

/// Temporary files and locks of this run that may be at the storages.
#[derive(Debug)]
pub(super) struct Leftovers {
    pfns: Mutex<HashSet<Pfn>>,
    /// Number of locks that are being created.
    creating: watch::Sender<usize>,
}

/// Counts a lock as being created until it is dropped.
struct Creating<'a>(&'a watch::Sender<usize>);

impl Leftovers {
    pub(super) fn new() -> Self {
        Self { pfns: Mutex::default(), creating: watch::Sender::new(0) }
    }

    pub(super) fn add(&self, pfn: Pfn) {
        lock(&self.pfns).insert(pfn);
    }

    pub(super) fn remove(&self, pfn: &Pfn) {
        lock(&self.pfns).remove(pfn);
    }

    pub(super) fn all(&self) -> Vec<Pfn> {
        lock(&self.pfns).iter().cloned().collect()
    }

    /// Creates a lock. Only one that is held by this run is a leftover: others belong to other processes.
    pub(super) async fn create_lock(&self, creation: impl Future<Output = Result<Lock>>) -> Result<Lock> {
        let _creating = Creating::begin(&self.creating);
        let created = creation.await?;
        if let Lock::Held(pfn) = &created {
            self.add(pfn.clone());
        }
        Ok(created)
    }

    /// Waits until no lock is being created.
    pub(super) async fn settled(&self) {
        // Errors: the sender is gone, which is ours.
        let _ = self.creating.subscribe().wait_for(|number| *number == 0).await;
    }
}

impl<'a> Creating<'a> {
    fn begin(creating: &'a watch::Sender<usize>) -> Self {
        creating.send_modify(|number| *number += 1);
        Self(creating)
    }
}

impl Drop for Creating<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|number| *number -= 1);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn upload_interrupted_while_a_lock_is_created_knows_it() {
        let leftovers = Leftovers::new();
        leftovers.settled().await;
        let (created, answer) = oneshot::channel();
        let mut creation = Box::pin(leftovers.create_lock(async { Ok(answer.await.unwrap()) }));
        let mut settled = Box::pin(leftovers.settled());
        assert!((&mut creation).now_or_never().is_none() && (&mut settled).now_or_never().is_none());
        created.send(Lock::Held("file:///f.lock".into())).unwrap();
        assert!(creation.now_or_never().is_some() && settled.now_or_never().is_some());
        assert_eq!(leftovers.all(), [Pfn::from("file:///f.lock")]);
    }

    #[tokio::test]
    async fn upload_leaves_the_locks_of_others() {
        let leftovers = Leftovers::new();
        for lock in [Lock::Taken("file:///f.lock".into()), Lock::Unavailable] {
            leftovers.create_lock(async { Ok(lock) }).await.unwrap();
        }
        assert!(leftovers.all().is_empty());
    }
}
