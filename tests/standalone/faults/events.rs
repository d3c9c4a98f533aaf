//! `--output jsonl`: events are printed immediately, also those of failures.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::fixtures::download::ended;
use crate::fixtures::download::{DownloadFixture, bytes};
use crate::fixtures::store::{Reply, Store};
use crate::fixtures::{WatchedProcess, shell_code, wait_for};

/// Our client at its work, about to be started.
fn command(world: &DownloadFixture, words: &[&str]) -> Result<Command> {
    world.document()?;
    let rucio = world.client().args(["download", "--dir", "here"]).args(words).args(["--metalink", "all.meta4"]);
    let mut command = rucio.command()?;
    command.stderr(File::create(world.home.path().join("said"))?);
    Ok(command)
}

/// A storage that has all files and delays the file `late`.
fn holding(contents: &HashMap<&'static str, Vec<u8>>) -> Result<(Store, Arc<AtomicBool>)> {
    let (open, contents) = (Arc::new(AtomicBool::new(false)), contents.clone());
    let may = open.clone();
    let store = Store::start(move |asked, _| {
        // It ends with the test process, if the test does not let it.
        while asked.file == "late" && !may.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(5));
        }
        let content = contents.get(asked.file.as_str()).map(Vec::as_slice).unwrap_or_default();
        let pause = if asked.file == "slow" { 60 } else { 0 };
        Reply::good(content, asked).slow(Duration::from_millis(pause))
    })?;
    Ok((store, open))
}

/// A fast file, one that needs more than a second, one whose best replica is lost, one that is last.
fn four_files() -> Result<(DownloadFixture, [Store; 2], Arc<AtomicBool>)> {
    let contents = HashMap::from([
        ("quick", bytes(1, 1000)),
        ("slow", bytes(2, 1_600_000)),
        ("saved", bytes(3, 2000)),
        ("late", bytes(4, 3000)),
    ]);
    let (store, open) = holding(&contents)?;
    let lost = Store::start(|_, _| Reply::sized("404 Not Found", "", b""))?;
    let mut world = DownloadFixture::new()?;
    for name in ["quick", "slow", "late"] {
        world.file(name, &contents[name], &[&store.pfn(name)]);
    }
    world.file("saved", &contents["saved"], &[&lost.pfn("saved"), &store.pfn("saved")]);
    Ok((world, [store, lost], open))
}

fn of<'a>(events: &'a [Value], name: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["name"] == name).collect()
}

fn kinds<'a>(events: &[&'a Value]) -> Vec<&'a str> {
    events.iter().filter_map(|event| event["event"].as_str()).collect()
}

#[test]
fn download_events_come_at_once_and_are_complete() -> Result<()> {
    let (world, [store, _lost], open) = four_files()?;
    let mut watched = WatchedProcess::start(command(&world, &["-o", "jsonl"])?)?;
    watched.wait_for("start", "late")?;
    let done = watched.wait_for("done", "quick")?;
    watched.wait_for("attempt_failed", "saved")?;
    watched.wait_for("progress", "slow")?;
    world.arrived("quick")?;
    open.store(true, Ordering::SeqCst);
    let (code, lines) = watched.end()?;
    ensure!(code == 0, "{code}: {lines:?}");
    let events: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line)).collect::<Result<_, _>>()?;
    ensure!(events[0]["event"] == "begin" && events[0]["version"] == 1, "{}", events[0]);
    ensure!(done["state"] == "DONE" && done["rse"] == "RSE0" && done["pfn"] == store.pfn("quick"), "{done}");
    ensure!(done["path"] == "here/faults/quick" && done["bytes"] == 1000 && done["reason"].is_null(), "{done}");
    ensure!(done["adler32"].is_string() && done["seconds"].is_f64(), "{done}");
    let saved = of(&events, "saved");
    ensure!(
        kinds(&saved) == ["start", "source", "attempt_failed", "source", "done", "did"] && saved[2]["rse"] == "RSE0",
        "{saved:?}"
    );
    ensure!(saved[2]["reason"].to_string().contains("404") && saved[4]["rse"] == "RSE1", "{saved:?}");
    let slow = of(&events, "slow");
    let progress: Vec<_> = slow.iter().filter(|event| event["event"] == "progress").collect();
    let far: Vec<_> = progress.iter().filter_map(|event| event["transferred"].as_u64()).collect();
    ensure!(far.is_sorted() && far.iter().all(|bytes| (1..=1_600_000).contains(bytes)), "{far:?}");
    // At most once a second, though it arrived in dozens of chunks; a busy machine may need longer.
    let seconds = slow.iter().find(|event| event["event"] == "done").and_then(|done| done["seconds"].as_f64());
    ensure!(far.len() as f64 <= seconds.context("it was not done")?.ceil(), "{far:?} in {seconds:?} s");
    let last = events.last().context("no events")?;
    ensure!(last["event"] == "summary" && last["total_files"] == 4 && last["downloaded_files"] == 4, "{last}");
    ensure!(last["complete"] == true && last["not_downloaded_files"] == 0, "{last}");
    Ok(())
}

#[test]
fn download_events_in_json_are_an_array_with_the_usual_failure() -> Result<()> {
    let (good, lost) = (
        Store::good(HashMap::from([("a".to_owned(), bytes(1, 10)), ("b".to_owned(), bytes(2, 10))]), Duration::ZERO)?,
        Store::start(|_, _| Reply::sized("404 Not Found", "", b""))?,
    );
    let mut world = DownloadFixture::new()?;
    world.file("a", &bytes(1, 10), &[&good.pfn("a")]);
    world.file("b", &bytes(2, 10), &[&lost.pfn("b")]);
    let outcome = world.download(&["-o", "json"])?;
    ended(&outcome, 76)?;
    let events: Vec<Value> = serde_json::from_str(&outcome.stdout)?;
    let failed = events.iter().find(|event| event["event"] == "failed").context("nothing failed")?;
    ensure!(failed["name"] == "b" && failed["state"] == "FAILED", "{failed}");
    ensure!(failed["reason"].to_string().contains("RSE0: the storage answered 404"), "{failed}");
    let error: Value = serde_json::from_str(outcome.stderr.lines().last().unwrap_or_default())?;
    ensure!(error["error"]["class"] == "NotAllFilesDownloaded" && error["error"]["exit_code"] == 76, "{error}");
    // The others: a row, or a name, for each file; of names only those that are there.
    let csv = world.download(&["-o", "csv"])?;
    ended(&csv, 76)?;
    let mut rows: Vec<_> = csv.stdout.lines().skip(1).map(|row| row.split(',').take(3).collect::<Vec<_>>()).collect();
    rows.sort();
    ensure!(csv.stdout.starts_with("scope,name,state,rse,pfn,path,"), "{}", csv.stdout);
    ensure!(rows == [["faults", "a", "ALREADY_DONE"], ["faults", "b", "FAILED"]], "{rows:?}");
    ensure!(world.download(&["-o", "name"])?.stdout == "faults:a\n");
    Ok(())
}

#[test]
fn download_events_end_at_ctrl_c_with_what_was_in_progress() -> Result<()> {
    for format in ["jsonl", "json"] {
        let (world, _stores, _open) = four_files()?;
        let watched = WatchedProcess::start(command(&world, &["-o", format])?)?;
        wait_for("the others", || Ok((world.place("slow").exists() && world.place("saved").exists()).then_some(())))?;
        watched.signal(Signal::INT)?;
        let (code, lines) = watched.end()?;
        let text = if format == "json" { lines.join("\n") } else { format!("[{}]", lines.join(",")) };
        let events: Vec<Value> = serde_json::from_str(&text).with_context(|| text.clone())?;
        let late = of(&events, "late");
        let failed = late.last().context("nothing about the last file")?;
        ensure!(code == 130 && failed["event"] == "failed" && failed["state"] == "INTERRUPTED", "{code} {failed}");
        let last = events.last().context("no events")?;
        ensure!(last["event"] == "summary" && last["complete"] == false, "{last}");
        let said = fs::read_to_string(world.home.path().join("said"))?;
        let error: Value = serde_json::from_str(said.lines().last().unwrap_or_default())?;
        ensure!(error["error"]["exit_code"] == 130, "{error}");
    }
    Ok(())
}

#[test]
fn download_events_reader_that_goes_away_ends_the_download_quietly() -> Result<()> {
    let content = bytes(1, 6_000_000);
    let store = Store::good(HashMap::from([("f".to_owned(), content.clone())]), Duration::from_millis(200))?;
    let mut world = DownloadFixture::new()?;
    world.file("f", &content, &[&store.pfn("f")]);
    let mut child = command(&world, &["-o", "jsonl"])?.stdout(Stdio::piped()).spawn()?;
    let mut first = String::new();
    BufReader::new(child.stdout.take().context("no output")?).read_line(&mut first)?;
    ensure!(first.contains("\"begin\""), "{first}");
    // The reader is gone; the file would need 18 seconds.
    let status = wait_for("the end of the program", || Ok(child.try_wait()?))?;
    let said = fs::read_to_string(world.home.path().join("said"))?;
    ensure!(shell_code(status) == 0 && !said.contains("ERROR") && !said.contains("WARNING"), "{status} {said}");
    ensure!(!world.place("f").exists());
    Ok(())
}

#[test]
fn download_events_reader_that_stalls_does_not_block_ctrl_c() -> Result<()> {
    let names: Vec<_> = (0..300).map(|number| format!("f{number:03}")).collect();
    let content = bytes(1, 100);
    let files = names.iter().map(|name| (name.clone(), content.clone())).collect();
    let (store, mut world) = (Store::good(files, Duration::ZERO)?, DownloadFixture::new()?);
    names.iter().for_each(|name| world.file(name, &content, &[&store.pfn(name)]));
    let mut child = command(&world, &["-o", "jsonl"])?.stdout(Stdio::piped()).spawn()?;
    let unread = child.stdout.take().context("no output")?;
    // A pipe holds 64 KiB, less what is left at the end of each page; the events are more than twice as much.
    wait_for("a full pipe", || Ok((rustix::io::ioctl_fionread(&unread)? > 60_000).then_some(())))?;
    kill_process(Pid::from_child(&child), Signal::INT)?;
    let status = wait_for("the end of the program", || Ok(child.try_wait()?))?;
    ensure!(shell_code(status) == 130, "{status}");
    world.arrived(&names[0])
}
