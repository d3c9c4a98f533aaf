//! The commands about local files and what the catalogue says of them, and those that scripts wait with.

mod cat;
mod download;
mod fixture;
mod verify;

use anyhow::{Result, ensure};

use crate::support::Outcome;

fn expect(outcome: &Outcome, code: i32) -> Result<()> {
    ensure!(outcome.code == code, "{} instead of {code}\n{}\n{}", outcome.code, outcome.stdout, outcome.stderr);
    Ok(())
}
