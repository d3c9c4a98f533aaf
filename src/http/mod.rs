//! HTTP client for the Rucio server. [`Transport`] makes connections, adds the headers and retries; [`Client`] adds the
//! token, replaces one that the server refuses (401), and returns error responses as typed errors. Endpoints are in
//! [`crate::api`], tokens come from [`crate::auth`], access to storages is in [`crate::storage::http`].

mod body;
mod client;
mod connections;
mod json;
mod loopback;
mod raw;
mod redirect;
mod refusal;
mod request;
mod retries;
mod send_error;
mod stream;
pub mod tls;
mod transport;
mod transport_error;

pub(crate) use body::text;
pub use client::Client;
pub(crate) use client::TokenProvider;
pub(crate) use connections::{Connections, Options, proxy};
pub(crate) use json::parse;
pub(crate) use loopback::is_loopback;
pub use raw::Raw;
pub(crate) use refusal::{checked, refused};
pub use request::{FileBody, Request, segment};
pub(crate) use send_error::SendError;
pub use stream::JsonStream;
pub(crate) use transport::Transport;
use transport_error::log_no_connection;
pub(crate) use transport_error::{root_cause, transport_error};

/// Rucio release whose client this one corresponds to, sent in the User-Agent: servers keep statistics by it.
pub const RUCIO_VERSION: &str = "41.5.1";
