//! The integration tests: one binary, a module per area.

mod differential;
mod guide;
mod support;
