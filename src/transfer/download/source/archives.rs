//! Cache of downloaded archives: each is downloaded once and kept for a while, as the next file is often in the same
//! one.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::sync::OnceCell;

use crate::lock::lock;
use crate::storage::Result;
use crate::storage::archive::Archive;
use crate::transfer::job::Source;

/// Number of archives in the cache: chosen, more cost disk space, fewer are downloaded again. An evicted one is closed by its last reader.
const MAX_IDLE: usize = 4;

/// The archives downloaded last, and failures to do so. They have no names on disk and are removed by the system.
#[derive(Debug, Default)]
pub struct Archives(Mutex<VecDeque<(String, Arc<Slot>)>>);

type Slot = OnceCell<Result<Archive>>;

impl Archives {
    /// Returns the archive of this source. If it is not cached, `fetch` downloads it; concurrent callers wait for it.
    /// Failures are cached for all files of the archive.
    pub(super) async fn get(&self, source: &Source, fetch: impl Future<Output = Result<Archive>>) -> Result<Archive> {
        let slot = self.slot(source);
        slot.get_or_init(|| fetch).await.clone()
    }

    fn slot(&self, source: &Source) -> Arc<Slot> {
        // The signature of a PFN changes with each listing.
        let location = source.pfn.without_query();
        let key = format!("{} {location}", source.rse);
        let mut known = lock(&self.0);
        let found = known.iter().position(|(one, _)| *one == key).and_then(|index| known.remove(index));
        let (key, slot) = found.unwrap_or_else(|| (key, Arc::default()));
        known.push_back((key, slot.clone()));
        if known.len() > MAX_IDLE {
            known.pop_front();
        }
        slot
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{StorageError, StorageErrorKind};

    fn source(pfn: &str) -> Source {
        Source { pfn: pfn.into(), rse: "A".to_owned(), member: Some("f".to_owned()) }
    }

    #[tokio::test]
    async fn archive_is_fetched_once_and_its_failure_remembered() {
        let archives = Archives::default();
        let broken = async { Err(StorageError::new(StorageErrorKind::NotFound, "none")) };
        let error = archives.get(&source("https://h/a.zip?X-Amz-Signature=1"), broken).await.unwrap_err();
        let again = async { panic!("fetched again") };
        let later = archives.get(&source("https://h/a.zip?X-Amz-Signature=2"), again).await.unwrap_err();
        assert_eq!((error.kind, later.to_string()), (StorageErrorKind::NotFound, error.to_string()));
    }

    #[tokio::test]
    async fn archive_cache_keeps_only_the_latest() {
        let archives = Archives::default();
        for number in 0..=MAX_IDLE {
            let gone = async { Err(StorageError::new(StorageErrorKind::NotFound, "first")) };
            archives.get(&source(&format!("https://h/{number}.zip")), gone).await.unwrap_err();
        }
        let second = async { Err(StorageError::new(StorageErrorKind::NotFound, "second")) };
        let error = archives.get(&source("https://h/0.zip"), second).await.unwrap_err();
        assert_eq!(error.to_string(), "second");
    }
}
