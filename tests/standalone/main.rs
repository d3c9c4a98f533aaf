//! The integration tests that need neither testbed nor root nor network: the program meets servers that the tests
//! start themselves. `cargo test` runs them. `tests/main.rs` has those that need the testbed.

mod api;
mod build_script;
mod checksum;
mod completion;
mod daily;
mod doctor;
mod faults;
#[path = "../fixtures/mod.rs"]
#[allow(dead_code, unused_imports, reason = "tests/main.rs uses the rest")]
mod fixtures;
mod harness;
mod hostile;
mod recordings;
mod reference;
mod rule_wait;
mod server_versions;
mod sessions;
mod startup;
#[path = "../support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "tests/main.rs uses the rest")]
mod support;
mod terminal;

use anyhow::{Result, ensure};

use crate::support::Outcome;

/// The program ended with this code.
fn expect(outcome: &Outcome, code: i32) -> Result<()> {
    ensure!(outcome.code == code, "{} instead of {code}\n{}\n{}", outcome.code, outcome.stdout, outcome.stderr);
    Ok(())
}
