//! Logging in and staying logged in, with servers that do what a real one cannot be made to do.

mod commands;
mod faults;
mod fronts;
mod hostile;
mod tls_anchors;
mod vo;
