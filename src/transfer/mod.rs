//! Transfers: what to fetch, from which replica, to which path, and the outcome of each file.
//!
//! A download passes through these modules: [`resolve`] finds the DIDs, [`listing`] their replicas, [`plan`] makes a
//! [`job::FileJob`] of each file, [`scheduler`] hands jobs to workers, and [`download`] fetches one file; uploads are
//! in [`upload`]. Nothing here prints: [`events`] reports progress to the caller. Protocols are in `storage`.

pub mod archives;
pub mod attempt_timeout;
mod blocking_worker;
pub mod checksum;
mod clock;
mod complete_file;
pub mod digests;
pub mod download;
pub mod events;
pub mod file_record;
mod host_limits;
pub mod implementations;
pub mod job;
pub mod listing;
pub mod metalink;
mod partial_file;
pub mod path;
pub mod plan;
pub mod rate;
pub mod report;
pub mod resolve;
pub mod scheduler;
pub mod selection;
pub mod session;
mod sink;
pub mod stream_to_stdout;
pub mod target_folder;
mod temporary;
pub mod trace;
pub mod upload;
pub mod verify;
mod wait_budget;
