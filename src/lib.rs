//! Rucio's command-line client as a library and one binary.

pub mod api;
pub mod auth;
pub mod config;
pub mod env_vars;
pub mod error;
pub mod exceptions;
pub mod http;
pub mod secret;
pub mod storage;
pub mod transfer;
pub mod types;

pub use error::{Error, Result};
