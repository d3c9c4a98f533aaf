//! The two ways to spell commands.

/// Where a command was found; it decides exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tree {
    /// `rucio did list`.
    New,
    /// `rucio list-dids`.
    Old,
}
