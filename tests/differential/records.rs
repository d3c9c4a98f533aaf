//! `--output`: every command of the cases that shows something has records, and they are what they claim to be.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::case::Case;
use super::check::ours_with;
use super::{all_cases, say, the_only_run};
use crate::support::{Outcome, Testbed, var};

/// Commands whose output is a document of its own, or a table of what was done that has no records.
const WITHOUT: [&str; 3] = ["--metalink", "--pfc", "--link"];

#[test]
fn records_of_every_command_exist_in_every_format() -> Result<()> {
    Testbed::get()?;
    let _only = the_only_run();
    let caches = tempfile::tempdir()?;
    let (cases, seen, faults, next) = (wanted()?, Mutex::default(), Mutex::new(Vec::new()), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(error) = check(case, &seen, caches.path()) {
                        say(&format!("records: {} {error:#}", case.title()));
                        lock(&faults).push(case.title());
                    }
                }
            });
        }
    });
    let faults = lock(&faults).clone();
    ensure!(var("RUCIO_DIFF").is_some() || lock(&seen).len() > 100, "only {} commands", lock(&seen).len());
    ensure!(faults.is_empty(), "{} of {} cases:\n{}", faults.len(), cases.len(), faults.join("\n"));
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn wanted() -> Result<Vec<Case>> {
    let mut cases = all_cases()?;
    let filter = var("RUCIO_DIFF").unwrap_or_default();
    let asks_itself = |word: &String| {
        word.starts_with("-o")
            || word.starts_with("--output")
            || word.contains("help")
            || word == "-h"
            || word == "--version"
    };
    cases.retain(|case| {
        let words = &case.line.words;
        let special =
            words.iter().any(|word| asks_itself(word) || WITHOUT.iter().any(|option| word.starts_with(option)));
        case.title().contains(&filter) && !special && case.differs.is_none() && !words.is_empty()
    });
    Ok(cases)
}

/// The names of the command: the words before the first option or argument.
fn command(case: &Case) -> String {
    let is_name = |word: &&String| word.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !word.starts_with('-');
    let names = case.line.words.iter().skip_while(|word| word.starts_with('-')).take_while(is_name).take(4);
    format!("{} {}", case.line.program, names.map(String::as_str).collect::<Vec<_>>().join(" "))
}

/// The first successful case of a command in every format, the others as JSON.
fn check(case: &Case, seen: &Mutex<BTreeSet<String>>, caches: &Path) -> Result<()> {
    let outcome = ours_with(case, &["-o", "json"], caches)?;
    ensure!(outcome.code == case.exit, "ends with {}, not {}: {}", outcome.code, case.exit, outcome.stderr);
    if outcome.code != 0 {
        return failure(&outcome);
    }
    let value = json(&outcome)?;
    let plain = case.reads_only().then(|| ours_with(case, &[], caches)).transpose()?;
    let is_row = |line: &&str| !line.is_empty() && !line.starts_with(['+', '-']) && !line.starts_with("|-");
    if plain.is_some_and(|plain| plain.stdout.lines().filter(is_row).count() > 4) {
        ensure!(value != Value::Array(Vec::new()), "people see something, machines an empty list");
    }
    match lock(seen).insert(command(case)) {
        true => other_formats(case, caches),
        false => Ok(()),
    }
}

/// A complete JSON value; several if other servers of a site are queried, too.
fn json(outcome: &Outcome) -> Result<Value> {
    let values = serde_json::Deserializer::from_str(&outcome.stdout).into_iter::<Value>();
    let values: Vec<_> = values.collect::<Result<_, _>>().with_context(|| outcome.stdout.clone())?;
    values.into_iter().next().context("no JSON at all")
}

/// The failure is one JSON object, the last line of stderr, and knows its exit code.
fn failure(outcome: &Outcome) -> Result<()> {
    let last = outcome.stderr.lines().last().context("a silent failure")?;
    let error: Value = serde_json::from_str(last).with_context(|| outcome.stderr.clone())?;
    let error = &error["error"];
    ensure!(error["exit_code"] == outcome.code && error["message"].is_string(), "{last}");
    Ok(())
}

fn other_formats(case: &Case, caches: &Path) -> Result<()> {
    for format in ["jsonl", "csv", "tsv", "name"] {
        let outcome = ours_with(case, &["-o", format], caches)?;
        ensure!(outcome.code == 0, "{format}: {}", outcome.stderr);
        fits(format, &outcome.stdout).with_context(|| format!("{format}: {}", outcome.stdout))?;
    }
    Ok(())
}

fn fits(format: &str, text: &str) -> Result<()> {
    ensure!(text.is_empty() || text.ends_with('\n'), "no newline at the end");
    let header = text.lines().next().unwrap_or_default();
    let columns = header.split('\t').count();
    for line in text.lines() {
        match format {
            "jsonl" => ensure!(serde_json::from_str::<Value>(line)?.is_object(), "no object: {line}"),
            "tsv" => ensure!(line.split('\t').count() == columns, "{columns} columns: {line}"),
            "csv" => ensure!(!line.starts_with(['{', '[', '+']), "no CSV: {line}"),
            "name" => ensure!(!line.is_empty(), "an empty name"),
            other => bail!("no format {other}"),
        }
    }
    Ok(())
}
