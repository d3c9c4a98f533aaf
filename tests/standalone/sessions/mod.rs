//! Logging in and staying logged in, with servers that do what a real one cannot be made to do.

mod commands;
mod credentials;
mod faults;
mod fronts;
mod hostile;
mod prompts;
mod tls_anchors;
mod tls_fallback;
mod vo;
