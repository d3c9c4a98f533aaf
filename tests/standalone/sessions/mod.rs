//! Logging in and staying logged in, where a server does what no real one can be told to do.

mod commands;
mod faults;
mod hostile;
mod tls_anchors;
mod vo;
