//! The three ways to spell commands.

/// Where a command was found; it decides exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tree {
    /// `rucio did list`.
    New,
    /// `rucio list-dids`.
    Old,
    /// `rucio-admin rse list`, or `rucio admin rse list`.
    Admin,
}
