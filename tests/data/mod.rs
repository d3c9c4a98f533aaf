//! The commands that compare local files with the catalogue, and those with which scripts wait.

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
