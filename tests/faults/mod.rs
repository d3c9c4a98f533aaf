//! Downloads on bad days: storages that break off, lie, refuse or fall silent, disks that take no more, a server that goes
//! away. Every fault is a real one on a real socket or file system, and hits the real program.

mod disk;
mod ranges;
mod rate;
mod resume;
mod storage;
mod store;
mod world;

use anyhow::{Result, ensure};

use crate::support::Outcome;

/// The program ended with this code.
fn ended(outcome: &Outcome, code: i32) -> Result<()> {
    ensure!(outcome.code == code, "{} instead of {code}\n{}\n{}", outcome.code, outcome.stdout, outcome.stderr);
    Ok(())
}

/// The line that says why a file was given up.
fn verdict<'a>(outcome: &'a Outcome, name: &str) -> Option<&'a str> {
    let start = format!("Failed to download file faults:{name}: ");
    outcome.stderr.lines().find_map(|line| Some(line.split_once(&start)?.1))
}
