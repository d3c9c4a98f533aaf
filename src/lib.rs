//! Rucio's command-line client as a library and one binary.

pub mod config;
pub mod env_vars;
pub mod error;
pub mod exceptions;
pub mod secret;

pub use error::{Error, Result};
