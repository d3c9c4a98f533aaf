//! Transfers: what to fetch, from which replica, to which path, and the outcome of each file.
//!
//! A download passes through these modules: [`session`] runs it, [`select`] finds the DIDs, [`listing`] their replicas,
//! [`plan`] makes a [`job::FileJob`] of each file, [`scheduler`] hands jobs to workers within the [`limits`], and
//! [`download`] fetches one file into a [`partial_file`] and verifies its [`checksum`]; uploads are in [`upload`].
//! Nothing here prints: [`events`] reports progress to the caller. Protocols are in `storage`.

pub mod checksum;
mod clock;
pub mod download;
pub mod events;
pub mod file_record;
pub mod job;
pub mod limits;
pub mod listing;
pub(crate) mod partial_file;
pub mod plan;
pub mod report;
pub mod scheduler;
pub mod select;
pub mod session;
pub mod stream_to_stdout;
pub mod trace;
pub mod upload;
pub mod verify;
