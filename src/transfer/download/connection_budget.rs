//! Limits the connections of all files in progress, which share them equally.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Default maximum number of connections of all large files.
const MOST: usize = 24;

/// The limit on all connections. Each file in progress may have an equal share, and at least one.
#[derive(Debug)]
pub struct Bound {
    most: usize,
    /// Size in bytes from which files count.
    counted_from: u64,
    files: AtomicUsize,
}

/// A file in progress, counted until drop.
#[derive(Debug)]
pub(super) struct Share<'a>(Option<&'a Bound>);

impl Bound {
    /// Default limit: large files share the connections; small ones, with one connection each, do not count.
    pub fn shared(large: u64) -> Self {
        Self { most: MOST, counted_from: large, files: AtomicUsize::default() }
    }

    /// Exactly this many connections, for files of any size.
    pub fn exactly(most: usize) -> Self {
        Self { most, counted_from: 0, files: AtomicUsize::default() }
    }

    /// Registers a file of this size.
    pub(super) fn join(&self, bytes: Option<u64>) -> Share<'_> {
        let counts = bytes.is_none_or(|bytes| bytes >= self.counted_from);
        if counts {
            self.files.fetch_add(1, Ordering::Relaxed);
        }
        Share(counts.then_some(self))
    }
}

impl Share<'_> {
    /// Returns how many connections the file may have now.
    pub(super) fn allowed(&self) -> usize {
        self.0.map_or(1, |bound| (bound.most / bound.files.load(Ordering::Relaxed).max(1)).max(1))
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        if let Some(bound) = self.0 {
            bound.files.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_under_way_share_the_connections() {
        let bound = Bound::shared(100);
        let first = bound.join(Some(100));
        let small = bound.join(Some(99));
        assert_eq!((first.allowed(), small.allowed()), (MOST, 1));
        let others: Vec<_> = (0..2).map(|_| bound.join(None)).collect();
        assert_eq!((first.allowed(), others[1].allowed()), (MOST / 3, MOST / 3));
        drop((others, small));
        assert_eq!(first.allowed(), MOST);
    }

    #[test]
    fn an_exact_bound_counts_every_file_and_leaves_each_its_connection() {
        let bound = Bound::exactly(2);
        let (one, two) = (bound.join(Some(1)), bound.join(Some(1)));
        assert_eq!((one.allowed(), two.allowed()), (1, 1));
        drop(two);
        assert_eq!((one.allowed(), Bound::exactly(1).join(None).allowed()), (2, 1));
    }
}
