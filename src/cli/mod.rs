//! The command line: the only part of the crate that knows options and terminals.

pub mod ui;
