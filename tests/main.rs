//! The integration tests that need the testbed: one binary, a module per area. `tests/run` runs them; `cargo test` runs
//! those of `tests/standalone`, which need the program alone.

mod api;
mod archives;
mod completion;
mod data;
mod differential;
mod doctor;
mod download;
mod examples;
mod faults;
#[allow(dead_code, unused_imports, reason = "tests/standalone uses the rest")]
mod fixtures;
mod guide;
mod hints;
mod hostile;
mod parsers;
mod screens;
mod servers;
mod sessions;
mod startup;
mod storage;
#[allow(dead_code, unused_imports, reason = "tests/standalone uses the rest")]
mod support;
mod tls_laboratory;
mod upload;
