//! Names, listings, documents and folders made to do harm: whatever comes, nothing is written outside of the target folder,
//! the good files among the others arrive, and what was refused is told without doing harm itself.

mod archive;
mod corpus;
mod download;
mod listing;
mod local;
mod metalink;
mod names;
mod sandbox;
mod screen;
mod site;

use anyhow::{Result, ensure};

use crate::support::Outcome;

/// The program ended by itself, with this code, and no name made a line of its log look like another, or like several.
fn ended(outcome: &Outcome, code: i32) -> Result<()> {
    let end = |text: &str| text.chars().rev().take(2000).collect::<Vec<_>>().into_iter().rev().collect::<String>();
    ensure!(outcome.code == code, "{} instead of {code}\n{}\n{}", outcome.code, outcome.stdout, end(&outcome.stderr));
    let logged =
        outcome.stderr.lines().filter(|line| ["INFO", "WARNING", "ERROR"].iter().any(|level| line.contains(level)));
    let control = logged.clone().find(|line| line.contains(|c: char| c.is_control() && c != '\t'));
    ensure!(control.is_none(), "a message may do harm: {control:?}");
    let forged = logged.clone().find(|line| line.starts_with("2026-01-01"));
    ensure!(forged.is_none(), "a message is none of ours: {forged:?}");
    Ok(())
}
