//! The three command trees.

/// Command tree: the new, the legacy or the admin commands. Exit codes depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tree {
    /// `rucio did list`.
    Commands,
    /// `rucio list-dids`.
    Legacy,
    /// `rucio-admin rse list`, or `rucio admin rse list`.
    Admin,
}
