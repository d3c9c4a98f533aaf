//! Command lines run through the official client and ours: what both print and how both end must be the same.
//! `README.md` beside this file explains how to add one.

mod case;
mod check;
mod messages;
mod parse;
mod placeholders;
mod records;
mod rules;
mod run;
mod script;
mod traces;

use std::fs;
use std::io::{Write, stderr};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, ensure};

use crate::support::{project, var};
pub(crate) use case::{Case, Line as CaseLine};
pub(crate) use parse::cases;

/// Every case file, in the order of their names.
pub(crate) fn all_cases() -> Result<Vec<Case>> {
    let folder = project().join("tests/differential/cases");
    let mut files: Vec<_> = fs::read_dir(&folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "txt"));
    files.sort();
    let mut cases = Vec::new();
    for file in files {
        cases.extend(read_cases(&file)?);
    }
    ensure!(!cases.is_empty(), "no case in {}", folder.display());
    Ok(cases)
}

fn read_cases(file: &Path) -> Result<Vec<Case>> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let cases = parse::cases(&name, &text)?;
    ensure!(!cases.is_empty(), "no case in {}", file.display());
    Ok(cases)
}

/// Prints a progress line, which the test runner does not capture.
fn say(text: &str) {
    let _ = writeln!(stderr(), "{text}");
}

/// Cases make and change accounts, RSEs and rules, which others list: one run of them, or test that does so, at a time.
pub(crate) fn the_only_run() -> MutexGuard<'static, ()> {
    static RUN: Mutex<()> = Mutex::new(());
    RUN.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn both_clients_say_and_do_the_same() -> Result<()> {
    let _only = the_only_run();
    let mut cases = all_cases()?;
    if let Some(wanted) = var("RUCIO_DIFF") {
        cases.retain(|case| case.title().contains(&wanted));
        ensure!(!cases.is_empty(), "no case contains {wanted:?}");
    }
    run::all(&cases)
}

#[test]
fn differences_are_all_documented() -> Result<()> {
    let known = fs::read_to_string(project().join("docs/differences.md")).context("docs/differences.md")?;
    let cases = all_cases()?;
    let mut missing: Vec<_> =
        cases.iter().flat_map(|case| case.differences().chain(case.stderr_differs.as_deref())).collect();
    let general: Vec<_> = messages::differences().collect();
    missing.extend(general.iter());
    missing.retain(|id| !known.contains(&format!("`{id}`")));
    missing.dedup();
    ensure!(missing.is_empty(), "not in docs/differences.md: {missing:?}");
    Ok(())
}
