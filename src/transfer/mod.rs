//! Moving files: what to fetch, from where, to which place, and how it went.
//!
//! A download goes through these rooms: [`resolve`] finds the DIDs that are meant, [`listing`] their replicas,
//! [`plan`] makes a [`job::FileJob`] of each file, [`scheduler`] hands jobs to a few workers, and [`download`] is one
//! file's life. [`events`] tells whoever wants to know; nothing here prints.

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
