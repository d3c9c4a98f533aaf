//! Commands for every day.

mod durations;
mod help;
mod lists;
mod partial;
mod replicas;
mod settings;
mod status;
mod version;
mod watch;
