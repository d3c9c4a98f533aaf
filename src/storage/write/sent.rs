//! How much of a file has been handed to a storage, and what the bytes were.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Counts the bytes of one file on their way to a storage. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct Sent(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    taken: AtomicU64,
    whole: Mutex<Option<(u64, u32)>>,
}

impl Sent {
    /// How many bytes the storage has taken so far.
    pub fn taken(&self) -> u64 {
        self.0.taken.load(Ordering::Relaxed)
    }

    /// Size in bytes and Adler-32 of all that was sent; none before its end, and where a program of its own sends it.
    pub fn whole(&self) -> Option<(u64, u32)> {
        *self.0.whole.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nobody waits for it any more.
    pub(in crate::storage) fn is_abandoned(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }

    /// The file is sent from its beginning, once more maybe.
    pub(in crate::storage) fn restart(&self) {
        self.set_taken(0);
        *self.0.whole.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// So many bytes have been taken by now.
    pub(in crate::storage) fn set_taken(&self, bytes: u64) {
        self.0.taken.store(bytes, Ordering::Relaxed);
    }

    /// The end was reached: this was sent.
    pub(in crate::storage) fn finish(&self, bytes: u64, adler32: u32) {
        self.set_taken(bytes);
        *self.0.whole.lock().unwrap_or_else(PoisonError::into_inner) = Some((bytes, adler32));
    }
}
