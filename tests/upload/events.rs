//! `--output jsonl`: events are printed immediately.

use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use rustix::process::Signal;
use serde_json::Value;

use super::faults::storage;
use super::{Fixture, expect};
use crate::fixtures::{Server, WatchedProcess};

/// A storage that answers the upload only when it may.
fn holding() -> Result<(Server, Arc<AtomicBool>)> {
    let open = Arc::new(AtomicBool::new(false));
    let may = open.clone();
    let server = storage(move |request, _| {
        // It ends with the test process, if the test does not let it.
        while request.starts_with("PUT") && !may.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(5));
        }
        None
    })?;
    Ok((server, open))
}

/// Our client at its work with a file there, about to be started.
fn command(fixture: &Fixture, storage: &Server) -> Result<Command> {
    let name = fixture.file(b"Wikipedia")?;
    let pfn = format!("{}/x", storage.url());
    let dataset = fixture.did(&format!("{name}.ds"));
    let words = ["upload", "-o", "jsonl", "--rse", "MULTI", "--scope", &fixture.scope, "--pfn", &pfn, &dataset, &name];
    let mut command = fixture.rucio()?.args(words).command()?;
    command.stderr(Stdio::null());
    Ok(command)
}

fn parsed<'a>(lines: impl Iterator<Item = &'a str>) -> Result<(Vec<Value>, Vec<String>)> {
    let mut events = lines.map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()?;
    // One each second, which a slow machine reaches.
    events.retain(|event| event["event"] != "progress");
    let kinds = events.iter().filter_map(|event| event["event"].as_str()).map(str::to_owned).collect();
    Ok((events, kinds))
}

#[test]
fn upload_events_come_at_once() -> Result<()> {
    let fixture = Fixture::new("root")?;
    let (storage, open) = holding()?;
    let mut watched = WatchedProcess::start(command(&fixture, &storage)?)?;
    let target = watched.wait_for("target", &fixture.new)?;
    ensure!(target["rse"] == "MULTI" && target["protocol"].is_string(), "{target}");
    open.store(true, Ordering::SeqCst);
    let (code, lines) = watched.end()?;
    let (events, kinds) = parsed(lines.iter().map(String::as_str))?;
    ensure!(code == 0 && kinds == ["begin", "expect", "start", "target", "written", "done", "summary"], "{kinds:?}");
    let (done, last) = (&events[5], &events[6]);
    ensure!(done["state"] == "DONE" && done["adler32"] == "11e60398" && done["bytes"] == 9, "{done}");
    ensure!(done["pfn"] == format!("{}/x", storage.url()) && done["seconds"].is_f64(), "{done}");
    ensure!(last["uploaded_files"] == 1 && last["not_uploaded_files"] == 0 && last["complete"] == true, "{last}");
    Ok(())
}

#[test]
fn upload_events_tell_what_the_catalogue_knows() -> Result<()> {
    let fixture = Fixture::new("root")?;
    let name = fixture.file(b"Wikipedia")?;
    let dataset = fixture.did(&format!("{name}.ds"));
    let outcome = fixture.upload("POSIX_SCRATCHDISK", &["-o", "jsonl", &dataset, &name])?;
    expect(&outcome, 0)?;
    let (events, kinds) = parsed(outcome.stdout.lines())?;
    let mut expected = vec!["begin", "expect", "start", "collection", "registered", "target", "written"];
    expected.extend(["attached", "done", "summary"]);
    ensure!(kinds == expected, "{kinds:?}");
    ensure!(events[3]["what"] == "dataset" && events[7]["dataset"] == dataset.as_str(), "{events:?}");
    // A second run has nothing to do, and reports that.
    let again = fixture.upload("POSIX_SCRATCHDISK", &["-o", "jsonl", &dataset, &name])?;
    expect(&again, 79)?;
    let (events, kinds) = parsed(again.stdout.lines())?;
    ensure!(kinds == ["begin", "expect", "start", "done", "summary"], "{kinds:?}");
    ensure!(events[3]["state"] == "ALREADY_DONE" && events[4]["remote_files"] == 1, "{events:?}");
    Ok(())
}

#[test]
fn upload_events_end_at_ctrl_c_with_what_was_in_progress() -> Result<()> {
    let fixture = Fixture::new("root")?;
    let (storage, _open) = holding()?;
    let mut watched = WatchedProcess::start(command(&fixture, &storage)?)?;
    watched.wait_for("target", &fixture.new)?;
    watched.signal(Signal::INT)?;
    let (code, lines) = watched.end()?;
    let (events, _) = parsed(lines.iter().map(String::as_str))?;
    let [.., failed, last] = events.as_slice() else { anyhow::bail!("{lines:?}") };
    ensure!(code == 130 && failed["event"] == "failed" && failed["state"] == "INTERRUPTED", "{code} {failed}");
    ensure!(failed["name"] == fixture.new.as_str() && last["complete"] == false, "{failed} {last}");
    Ok(())
}
