//! Limits the connections of all files in progress, which share them equally.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Default maximum number of connections of all large files. Chosen: a full connection ramp of one file and a few of the next.
const MAX_SHARED_CONNECTIONS: usize = 24;

/// The limit on all connections. Each file in progress may have an equal share, and at least one.
#[derive(Debug)]
pub struct ConnectionBudget {
    max: usize,
    /// Size in bytes from which files count.
    min_size: u64,
    files: AtomicUsize,
}

/// A file in progress, counted until drop.
#[derive(Debug)]
pub(crate) struct BudgetShare<'a>(Option<&'a ConnectionBudget>);

impl ConnectionBudget {
    /// Default limit: large files share the connections; small ones, with one connection each, do not count.
    pub fn shared(large: u64) -> Self {
        Self { max: MAX_SHARED_CONNECTIONS, min_size: large, files: AtomicUsize::default() }
    }

    /// Exactly this many connections, for files of any size.
    pub fn exactly(max: usize) -> Self {
        Self { max, min_size: 0, files: AtomicUsize::default() }
    }

    /// Registers a file of this size.
    pub(crate) fn share_for(&self, bytes: Option<u64>) -> BudgetShare<'_> {
        let counts = bytes.is_none_or(|bytes| bytes >= self.min_size);
        if counts {
            self.files.fetch_add(1, Ordering::Relaxed);
        }
        BudgetShare(counts.then_some(self))
    }
}

impl BudgetShare<'_> {
    /// Returns how many connections the file may have now.
    pub(crate) fn max_connections(&self) -> usize {
        self.0.map_or(1, |bound| (bound.max / bound.files.load(Ordering::Relaxed).max(1)).max(1))
    }
}

impl Drop for BudgetShare<'_> {
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
    fn connection_budget_is_shared_by_files() {
        let bound = ConnectionBudget::shared(100);
        let first = bound.share_for(Some(100));
        let small = bound.share_for(Some(99));
        assert_eq!((first.max_connections(), small.max_connections()), (MAX_SHARED_CONNECTIONS, 1));
        let others: Vec<_> = (0..2).map(|_| bound.share_for(None)).collect();
        assert_eq!(
            (first.max_connections(), others[1].max_connections()),
            (MAX_SHARED_CONNECTIONS / 3, MAX_SHARED_CONNECTIONS / 3)
        );
        drop((others, small));
        assert_eq!(first.max_connections(), MAX_SHARED_CONNECTIONS);
    }

    #[test]
    fn connection_budget_that_is_exact_counts_files_and_leaves_each_one_connection() {
        let bound = ConnectionBudget::exactly(2);
        let (one, two) = (bound.share_for(Some(1)), bound.share_for(Some(1)));
        assert_eq!((one.max_connections(), two.max_connections()), (1, 1));
        drop(two);
        assert_eq!((one.max_connections(), ConnectionBudget::exactly(1).share_for(None).max_connections()), (2, 1));
    }
}
