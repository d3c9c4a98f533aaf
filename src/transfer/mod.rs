//! Transfers: what to fetch, from which replica, to which path, and the outcome of each file.
//!
//! A download passes through these modules: [`resolve`] finds the DIDs, [`listing`] their replicas, [`plan`] makes a
//! [`job::FileJob`] of each file, [`scheduler`] hands jobs to workers, and [`download`] fetches one file; uploads are
//! in [`upload`]. Nothing here prints: [`events`] reports progress to the caller. Protocols are in `storage`.

pub mod archives;
mod busy;
pub mod checksum;
mod clock;
mod complete;
pub mod digests;
pub mod download;
pub mod draft;
pub mod events;
mod hosts;
pub mod implementations;
pub mod job;
pub mod listing;
pub mod metalink;
mod parts;
pub mod path;
pub mod patience;
pub mod place;
pub mod plan;
pub mod pour;
pub mod rate;
pub mod report;
pub mod resolve;
pub mod scheduler;
pub mod selection;
pub mod session;
mod sink;
mod temporary;
pub mod trace;
pub mod upload;
pub mod verify;
mod worker;
