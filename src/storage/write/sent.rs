//! Upload progress of a file, and the digests of the bytes sent.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::lock::lock;

/// Counts the bytes of one file sent to a storage. Clones share the counter.
#[derive(Debug, Clone, Default)]
pub struct Sent(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    has_md5: bool,
    taken: AtomicU64,
    whole: Mutex<Option<SentDigests>>,
}

/// Size and digests of the bytes sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentDigests {
    /// Size in bytes.
    pub bytes: u64,
    /// Adler-32.
    pub adler32: u32,
    /// MD5, if it was requested.
    pub md5: Option<[u8; 16]>,
}

impl Sent {
    /// Creates a counter that gets the MD5, too.
    pub fn with_md5() -> Self {
        Self(Arc::new(Counts { has_md5: true, ..Counts::default() }))
    }

    /// Returns the number of bytes sent so far.
    pub fn taken(&self) -> u64 {
        self.0.taken.load(Ordering::Relaxed)
    }

    /// Returns the digests of the bytes sent; `None` before the end.
    pub fn whole(&self) -> Option<SentDigests> {
        *lock(&self.0.whole)
    }

    /// Returns whether the MD5 is to be computed.
    pub(super) fn has_md5(&self) -> bool {
        self.0.has_md5
    }

    /// Returns whether all clones but these were dropped: the upload was cancelled.
    pub(crate) fn is_abandoned(&self, own_clones: usize) -> bool {
        Arc::strong_count(&self.0) <= own_clones
    }

    /// Resets the counter: the file is sent from the beginning, possibly again.
    pub(super) fn restart(&self) {
        self.set_taken(0);
        *lock(&self.0.whole) = None;
    }

    /// Sets the number of bytes sent so far.
    pub(crate) fn set_taken(&self, bytes: u64) {
        self.0.taken.store(bytes, Ordering::Relaxed);
    }

    /// Stores the digests of the whole file.
    pub(super) fn finish(&self, digests: SentDigests) {
        self.set_taken(digests.bytes);
        *lock(&self.0.whole) = Some(digests);
    }
}
