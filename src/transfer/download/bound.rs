//! How many connections the files under way may have: they share them.

use std::sync::atomic::{AtomicUsize, Ordering};

/// How many connections large files have together, where the user says nothing.
const MOST: usize = 24;

/// The bound on all connections. Each file under way may have an equal part of it, and one in any case.
#[derive(Debug)]
pub struct Bound {
    most: usize,
    /// Files of this size or more count.
    counted_from: u64,
    files: AtomicUsize,
}

/// A file under way. It counts until this is dropped.
#[derive(Debug)]
pub(super) struct Share<'a>(Option<&'a Bound>);

impl Bound {
    /// Where the user says nothing: large files share what there is, and small ones, one connection each, do not count.
    pub fn shared(large: u64) -> Self {
        Self { most: MOST, counted_from: large, files: AtomicUsize::default() }
    }

    /// Exactly this many connections, whatever they are for.
    pub fn exactly(most: usize) -> Self {
        Self { most, counted_from: 0, files: AtomicUsize::default() }
    }

    /// A file of this size is under way.
    pub(super) fn join(&self, bytes: Option<u64>) -> Share<'_> {
        let counts = bytes.is_none_or(|bytes| bytes >= self.counted_from);
        if counts {
            self.files.fetch_add(1, Ordering::Relaxed);
        }
        Share(counts.then_some(self))
    }
}

impl Share<'_> {
    /// How many connections the file may have at this moment.
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
