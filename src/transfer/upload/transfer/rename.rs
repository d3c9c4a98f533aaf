//! Renames a complete file to its final name without replacing another file, even if other processes upload at the same
//! time.

use std::time::Duration;

use futures_util::future::join;
use tokio::time::{Instant, sleep};

use super::{UploadTarget, with_timeout};
use crate::storage::write::{Lock, Stored, already_exists};
use crate::storage::{Pfn, Result, StorageError, StorageErrorKind};
use crate::transfer::upload::local::Measured;
use crate::transfer::upload::{Registration, names};

/// Age after which a lock is considered abandoned. A lock is held only while a file is renamed and registered, so an
/// older one is from a killed process.
const ABANDONED: Duration = Duration::from_secs(60);
/// Interval between two attempts to get a lock. Chosen: trades requests to the storage against the delay of a file.
const PAUSE: Duration = Duration::from_millis(200);

/// A file under its final name.
pub(in crate::transfer::upload) struct Placed {
    /// Lock on the name, to be held until the file is registered.
    pub(in crate::transfer::upload) lock: Option<Pfn>,
    /// Whether no other process can replace the file before it is registered.
    pub(in crate::transfer::upload) is_safe: bool,
}

impl UploadTarget<'_> {
    /// Renames the file to its final name. `old` is a file found there before, which is deleted.
    ///
    /// With registration after the upload, the catalogue does not know the file yet and another process could mistake
    /// it for such an old one: the lock is returned, to be held until the file is registered.
    ///
    /// Errors: [`StorageErrorKind::AlreadyExists`] if there is a different file by now.
    pub(in crate::transfer::upload) async fn rename_into_place(
        &self,
        temporary: &Pfn,
        measured: &Measured,
        old: Option<&Stored>,
    ) -> Result<Placed> {
        let is_unknown = self.run.uploader.options.registration == Registration::After;
        let needs_lock = self.writer.needs_lock() || is_unknown;
        let lock = if needs_lock { self.lock(old).await? } else { None };
        let renamed = self.rename(temporary, measured, old, lock.is_none()).await;
        let looked = async {
            let is_exclusive = renamed?;
            if !is_exclusive {
                self.check_name(measured).await?;
            }
            Ok(is_exclusive)
        };
        let Some(lock) = lock else {
            return looked.await.map(|is_exclusive| Placed { lock: None, is_safe: is_exclusive && !is_unknown });
        };
        if is_unknown {
            let looked = looked.await;
            if looked.is_err() {
                self.run.uploader.unlock(&lock).await;
            }
            return looked.map(|_| Placed { lock: Some(lock), is_safe: true });
        }
        join(self.run.uploader.unlock(&lock), looked).await.1.map(|_| Placed { lock: None, is_safe: true })
    }

    async fn rename(
        &self,
        temporary: &Pfn,
        measured: &Measured,
        old: Option<&Stored>,
        is_unprotected: bool,
    ) -> Result<bool> {
        if old.is_some() || (self.writer.needs_lock() && is_unprotected) {
            self.check_unchanged(old).await?;
        }
        if old.is_some() && !matches!(self.run.find_known(measured).await, Ok(None)) {
            return Err(already_exists(self.pfn));
        }
        if old.is_some() {
            with_timeout(self.writer.delete(self.pfn)).await?;
        }
        with_timeout(self.writer.rename(temporary, self.pfn)).await
    }

    async fn check_unchanged(&self, old: Option<&Stored>) -> Result<()> {
        if self.stored().await?.as_ref() == old { Ok(()) } else { Err(already_exists(self.pfn)) }
    }

    /// Verifies that the file under the final name is ours. Errors: it is a different one.
    pub(in crate::transfer::upload) async fn check_name(&self, measured: &Measured) -> Result<()> {
        if self.run.uploader.options.skip_stat {
            return Ok(());
        }
        self.compare(self.pfn, measured).await.map(drop).map_err(|error| StorageError {
            message: format!("another file has taken its place at {}: {error}", self.pfn),
            ..error
        })
    }

    /// Waits for the lock; `None` if the storage does not support locks. Errors: a different file appears under the
    /// name meanwhile.
    async fn lock(&self, old: Option<&Stored>) -> Result<Option<Pfn>> {
        let (name, mut since, mut deleted) = (names::lock(self.pfn), Instant::now(), false);
        loop {
            match self.run.uploader.leftovers.create_lock(with_timeout(self.writer.lock(&name))).await? {
                Lock::Unavailable => return Ok(None),
                // Deleting the lock has no effect: locks do not work on this storage.
                Lock::Taken(_) if since.elapsed() > ABANDONED && deleted => return Ok(None),
                Lock::Held(pfn) => return Ok(Some(pfn)),
                Lock::Taken(pfn) if since.elapsed() > ABANDONED => {
                    (since, deleted) = (Instant::now(), true);
                    match with_timeout(self.writer.delete(&pfn)).await {
                        Err(error) if error.kind != StorageErrorKind::NotFound => return Err(error),
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
