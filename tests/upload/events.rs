//! `--output jsonl`: what happens is told when it happens.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use rustix::process::Signal;
use serde_json::Value;

use super::Desk;
use super::faults::storage;
use crate::props::{Answer, Home, Server, Watched};
use crate::support::Testbed;

/// A storage that answers the upload only when it may.
fn holding() -> Result<(Server, Arc<AtomicBool>)> {
    let open = Arc::new(AtomicBool::new(false));
    let may = open.clone();
    let server = storage(move |request, _| {
        // It ends with the test process, if the test does not let it.
        while request.starts_with("PUT") && !may.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(5));
        }
        request.starts_with("PUT").then(|| Answer::new(201, "", ""))
    })?;
    Ok((server, open))
}

/// Our client at its work with a file there, about to be started.
fn command(desk: &Desk, storage: &Server) -> Result<Command> {
    let name = desk.file(b"Wikipedia")?;
    let pfn = format!("{}/x", storage.url());
    let dataset = desk.did(&format!("{name}.ds"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_rucio"));
    command.args(["upload", "-o", "jsonl", "--rse", "MULTI", "--scope", &desk.scope, "--pfn", &pfn, &dataset, &name]);
    command.env_clear().envs([("HOME", desk.home.path()), ("TMPDIR", desk.home.path())]);
    command.env("RUCIO_CONFIG", Testbed::get()?.config(desk.config)?).current_dir(&desk.folder);
    command.env("X509_USER_PROXY", Home::certificate("root.proxy.pem")?).stderr(std::process::Stdio::null());
    Ok(command)
}

#[test]
fn events_are_there_when_they_happen_and_tell_all() -> Result<()> {
    let desk = Desk::new("root")?;
    let (storage, open) = holding()?;
    let mut watched = Watched::start(command(&desk, &storage)?)?;
    let target = watched.wait_for("target", &desk.new)?;
    ensure!(target["rse"] == "MULTI" && target["protocol"].is_string(), "{target}");
    open.store(true, Ordering::SeqCst);
    let (code, lines) = watched.end()?;
    ensure!(code == 0, "{code} {lines:?}");
    let events: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line)).collect::<Result<_, _>>()?;
    let kinds: Vec<_> = events.iter().filter_map(|event| event["event"].as_str()).collect();
    let mut expected = vec!["begin", "expect", "start", "collection", "registered", "target", "written"];
    expected.extend(["attached", "done", "summary"]);
    ensure!(kinds == expected, "{kinds:?}");
    let done = &events[8];
    ensure!(done["state"] == "DONE" && done["adler32"] == "11e60398" && done["bytes"] == 9, "{done}");
    ensure!(done["pfn"] == format!("{}/x", storage.url()) && done["seconds"].is_f64(), "{done}");
    let last = &events[9];
    ensure!(last["uploaded_files"] == 1 && last["not_uploaded_files"] == 0 && last["complete"] == true, "{last}");
    Ok(())
}

#[test]
fn ctrl_c_ends_them_and_tells_what_was_under_way() -> Result<()> {
    let desk = Desk::new("root")?;
    let (storage, _open) = holding()?;
    let mut watched = Watched::start(command(&desk, &storage)?)?;
    watched.wait_for("target", &desk.new)?;
    watched.signal(Signal::INT)?;
    let (code, lines) = watched.end()?;
    let events: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line)).collect::<Result<_, _>>()?;
    let [.., failed, last] = events.as_slice() else { anyhow::bail!("{lines:?}") };
    ensure!(code == 130 && failed["event"] == "failed" && failed["state"] == "INTERRUPTED", "{code} {failed}");
    ensure!(failed["name"] == desk.new.as_str() && last["complete"] == false, "{failed} {last}");
    Ok(())
}
