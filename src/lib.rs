//! Rucio's command-line client as a library and one binary.

pub mod auth;
pub mod config;
pub mod error;
pub mod exceptions;
pub mod http;
pub mod secret;
pub mod storage;

pub use error::{Error, Result};
