//! The REST API, one module per resource: each function is one call with its path, parameters and result type. No
//! retries, no checks of completeness ([`crate::lists`]), no output.

pub(crate) mod accounts;
pub(crate) mod auth;
pub(crate) mod config;
pub(crate) mod credentials;
pub(crate) mod data;
pub(crate) mod dids;
pub(crate) mod identities;
pub(crate) mod lifetime_exceptions;
pub(crate) mod locks;
pub(crate) mod metadata;
pub(crate) mod opendata;
pub(crate) mod replicas;
pub(crate) mod rses;
pub(crate) mod rules;
pub(crate) mod scopes;
pub(crate) mod server;
pub(crate) mod subscriptions;
pub(crate) mod traces;
