//! Rucio's command-line client as a library and one binary.
//!
//! Library and CLI layers: everything but [`cli`] is the library, which never prints and does not know the command
//! line.

#[cfg(not(any(feature = "static", feature = "system-openssl")))]
compile_error!("select the feature static (the default) or system-openssl");

mod api;
mod auth;
mod certificate;
pub mod cli;
pub mod config;
mod diagnosis;
pub mod env_vars;
pub mod error;
pub mod exceptions;
pub mod hint;
pub mod http;
mod input_file;
mod interact;
mod key_set;
mod lists;
mod lock;
mod nearest;
mod retry;
pub mod secret;
pub mod sha256;
mod size_units;
pub mod storage;
#[cfg(test)]
mod testing;
mod time;
pub mod transfer;
pub mod types;

pub use error::{Error, Result};
