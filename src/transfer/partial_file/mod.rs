//! Files that are being received: their bytes on disk, under a temporary name until they are complete and verified.
//!
//! A file is received in order ([`sequential_file`]) or in several byte ranges at the same time ([`ranged_file`]), and both leave a
//! [`temporary`] file that a later process can resume. Requesting the bytes belongs to `download`.

pub(crate) mod blocking_worker;
pub(crate) mod complete_file;
pub(crate) mod found;
pub(crate) mod leftover;
mod open;
mod range_map;
pub(crate) mod ranged_file;
pub(crate) mod resume_state;
pub(crate) mod sequential_file;
pub(crate) mod temporary;
mod trailer;

/// Size of a write buffer in bytes. Each of many concurrent files has two of them.
pub(crate) const BUFFER: usize = 256 * 1024;
