//! Upload progress of a file, and the checksum of the bytes sent.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::lock::lock;

/// Counts the bytes of one file sent to a storage. Clones share the counter.
#[derive(Debug, Clone, Default)]
pub struct Sent(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    taken: AtomicU64,
    whole: Mutex<Option<(u64, u32)>>,
}

impl Sent {
    /// Returns the number of bytes sent so far.
    pub fn taken(&self) -> u64 {
        self.0.taken.load(Ordering::Relaxed)
    }

    /// Returns size in bytes and Adler-32 of the bytes sent; `None` before the end.
    pub fn whole(&self) -> Option<(u64, u32)> {
        *lock(&self.0.whole)
    }

    /// Returns whether all other clones were dropped: the upload was cancelled.
    pub(in crate::storage) fn is_abandoned(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }

    /// Resets the counter: the file is sent from the beginning, possibly again.
    pub(in crate::storage) fn restart(&self) {
        self.set_taken(0);
        *lock(&self.0.whole) = None;
    }

    /// Sets the number of bytes sent so far.
    pub(in crate::storage) fn set_taken(&self, bytes: u64) {
        self.0.taken.store(bytes, Ordering::Relaxed);
    }

    /// Stores size and checksum of the whole file.
    pub(in crate::storage) fn finish(&self, bytes: u64, adler32: u32) {
        self.set_taken(bytes);
        *lock(&self.0.whole) = Some((bytes, adler32));
    }
}
