//! Logging in and staying logged in: every way to a token, the cache of tokens shared with the official client, who
//! may see a token, and what happens on the bad days of a server.

mod cache;
mod commands;
mod faults;
mod gss;
mod hostile;
mod keys;
mod logins;
mod oidc;
mod refusals;
mod servers;
mod ssh;
mod tls;
mod vo;
mod x509;
