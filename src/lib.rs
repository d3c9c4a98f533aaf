//! Rucio's command-line client as a library and one binary.

pub mod cli;
pub mod error;
pub mod exceptions;

pub use error::{Error, Result};
