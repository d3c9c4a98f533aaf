//! A complete file gets its name: no other file is replaced, whatever other processes do at the same time.

use std::time::Duration;

use futures_util::future::join;
use tokio::time::{Instant, sleep};

use super::local::Measured;
use super::transfer::{Place, answered};
use super::{Registration, names};
use crate::storage::write::{Lock, Stored, in_the_way};
use crate::storage::{Kind, Result, StorageError};

/// A lock is held for as long as it takes to rename a file, and to register it. One that is there for so long is that of a
/// process that was killed.
const ABANDONED: Duration = Duration::from_secs(60);
/// How often it is looked whether a lock is free.
const PAUSE: Duration = Duration::from_millis(200);

impl Place<'_> {
    /// Renames the file. `old` is what lay under the final name before, and goes.
    ///
    /// A file that is registered afterwards is known to nobody until then, so that another process may take it for such
    /// an old one: its lock comes back, to be held until the catalogue knows the file.
    ///
    /// Errors: [`Kind::AlreadyExists`] if by now something else lies there.
    pub(super) async fn give_name(
        &self,
        temporary: &str,
        measured: &Measured,
        old: Option<&Stored>,
    ) -> Result<Option<String>> {
        let is_unknown = self.run.all.options.registration == Registration::After;
        let needs_lock = self.writer.needs_lock() || is_unknown;
        let lock = if needs_lock { self.lock(old).await? } else { None };
        let renamed = self.rename(temporary, measured, old, lock.is_none()).await;
        let looked = async {
            match renamed {
                Ok(false) => self.check_name(measured).await,
                renamed => renamed.map(drop),
            }
        };
        let Some(lock) = lock else { return looked.await.map(|()| None) };
        if is_unknown {
            let looked = looked.await;
            if looked.is_err() {
                self.run.all.unlock(&lock).await;
            }
            return looked.map(|()| Some(lock));
        }
        join(self.run.all.unlock(&lock), looked).await.1.map(|()| None)
    }

    async fn rename(
        &self,
        temporary: &str,
        measured: &Measured,
        old: Option<&Stored>,
        is_unprotected: bool,
    ) -> Result<bool> {
        if old.is_some() || (self.writer.needs_lock() && is_unprotected) {
            self.check_unchanged(old).await?;
        }
        if old.is_some() && !matches!(self.run.known(measured).await, Ok(None)) {
            return Err(in_the_way(self.pfn));
        }
        if old.is_some() {
            answered(self.writer.delete(self.pfn)).await?;
        }
        answered(self.writer.rename(temporary, self.pfn)).await
    }

    async fn check_unchanged(&self, old: Option<&Stored>) -> Result<()> {
        match self.look().await?.as_ref() == old {
            true => Ok(()),
            false => Err(in_the_way(self.pfn)),
        }
    }

    /// Whether the file that has the name is ours. Errors: another one has it.
    pub(super) async fn check_name(&self, measured: &Measured) -> Result<()> {
        if self.run.all.options.skip_stat {
            return Ok(());
        }
        self.compare(self.pfn, measured).await.map(drop).map_err(|error| StorageError {
            message: format!("another file has taken its place at {}: {error}", self.pfn),
            ..error
        })
    }

    /// Waits for the lock; none where the storage has none. Errors: another file gets the name meanwhile.
    async fn lock(&self, old: Option<&Stored>) -> Result<Option<String>> {
        let (name, mut since, mut deleted) = (names::lock(self.pfn), Instant::now(), false);
        loop {
            match answered(self.writer.lock(&name)).await? {
                Lock::Unavailable => return Ok(None),
                // It does not go away: this storage's locks are of no use.
                Lock::Taken(_) if since.elapsed() > ABANDONED && deleted => return Ok(None),
                Lock::Held(pfn) => {
                    self.run.all.unfinished().insert(pfn.clone());
                    return Ok(Some(pfn));
                }
                Lock::Taken(pfn) if since.elapsed() > ABANDONED => {
                    (since, deleted) = (Instant::now(), true);
                    match answered(self.writer.delete(&pfn)).await {
                        Err(error) if error.kind != Kind::NotFound => return Err(error),
                        _ => {}
                    }
                }
                Lock::Taken(_) => {
                    self.check_unchanged(old).await?;
                    sleep(PAUSE).await;
                }
            }
        }
    }
}
