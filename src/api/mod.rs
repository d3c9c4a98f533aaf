//! The REST API, one module per resource: each function is one call with its path, parameters and result type. No
//! retries, no checks of completeness ([`crate::lists`]), no output.

pub mod accounts;
pub mod auth;
pub mod config;
pub mod credentials;
pub mod data;
pub mod dids;
pub mod identities;
pub mod lifetime_exceptions;
pub mod locks;
pub mod metadata;
pub mod opendata;
pub mod replicas;
pub mod rses;
pub mod rules;
pub mod scopes;
pub mod server;
pub mod subscriptions;
pub mod traces;
