//! Commands for every day.

mod durations;
mod status;
mod version;
