//! Storages that misbehave. The address of a fault server is given with `--pfn`; so the catalogue stays out of it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

use super::{Desk, expect, found, stored};
use crate::props::{Answer, Home, Server, Watched, wait_for};
use crate::support::{Outcome, Testbed};

pub(super) const TEMPORARY: &str = "/x.rucio.upload";

/// A storage that has nothing, takes everything, and shows the file `Wikipedia` afterwards; but for these requests.
pub(super) fn storage(odd: impl Fn(&str, usize) -> Option<Answer> + Send + Sync + 'static) -> Result<Server> {
    Server::start(move |heard, before| match odd(&heard.request, before) {
        Some(answer) => answer,
        None => match heard.request.split(' ').next().unwrap_or_default() {
            "HEAD" if heard.request.ends_with(TEMPORARY) => head("Digest: adler32=11e60398\r\n", 9),
            "HEAD" => Answer::new(404, "", ""),
            _ => Answer::new(201, "", ""),
        },
    })
}

pub(super) fn head(headers: &str, length: usize) -> Answer {
    let text = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n");
    Answer::Bytes(text.into_bytes())
}

/// Uploads `Wikipedia` there.
pub(super) fn upload(desk: &Desk, storage: &Server, words: &[&str]) -> Result<Outcome> {
    let name = desk.file(b"Wikipedia")?;
    let pfn = format!("{}/x", storage.url());
    desk.upload("DAV", &[&["--pfn", &pfn, &name], words].concat())
}

/// How often each request came.
pub(super) fn asked(storage: &Server) -> BTreeMap<String, usize> {
    let mut asked = BTreeMap::new();
    storage.heard().into_iter().for_each(|heard| *asked.entry(heard.request).or_default() += 1);
    asked
}

pub(super) fn times(storage: &Server, request: &str) -> usize {
    asked(storage).get(request).copied().unwrap_or(0)
}

#[test]
fn a_file_is_written_under_another_name_verified_and_renamed_without_overwriting() -> Result<()> {
    let storage = storage(|_, _| None)?;
    expect(&upload(&Desk::new("userpass")?, &storage, &[])?, 0)?;
    let heard: Vec<_> = storage.heard().into_iter().map(|heard| heard.request).collect();
    let order = ["HEAD /x", "PUT /x.rucio.upload", "HEAD /x.rucio.upload", "MOVE /x.rucio.upload"];
    ensure!(heard == order, "{heard:?}");
    let renamed = storage.wait_for("MOVE /x.rucio.upload")?;
    ensure!(renamed.header("overwrite") == Some("F"), "{renamed:?}");
    ensure!(renamed.header("destination") == Some(&format!("{}/x", storage.url())), "{renamed:?}");
    Ok(())
}

#[test]
fn what_the_storage_spoiled_gets_no_name_and_does_not_stay() -> Result<()> {
    type Spoil = fn() -> Answer;
    let cases: [(&str, Spoil); 4] = [
        ("Checksum mismatch. Source: 11e60398 Destination: 00000001", || head("Digest: adler32=00000001\r\n", 9)),
        ("Filesize mismatch. Source: 9 Destination: 8", || head("", 8)),
        ("what was written is not there", || Answer::new(404, "", "")),
        ("403", || Answer::new(403, "", "")),
    ];
    for (reason, answer) in cases {
        let storage = storage(move |request, _| (request == "HEAD /x.rucio.upload").then(answer))?;
        let outcome = upload(&Desk::new("userpass")?, &storage, &[])?;
        expect(&outcome, 79)?;
        ensure!(outcome.stderr.contains(reason), "{reason}: {}", outcome.stderr);
        ensure!(times(&storage, "MOVE /x.rucio.upload") == 0, "{:?}", asked(&storage));
        ensure!(times(&storage, "DELETE /x.rucio.upload") == 1, "{:?}", asked(&storage));
    }
    Ok(())
}

#[test]
fn an_overloaded_storage_is_tried_again_and_a_full_one_is_not() -> Result<()> {
    let busy = storage(|request, before| {
        (request.starts_with("PUT") && before == 0).then(|| Answer::new(503, "Retry-After: 0\r\n", ""))
    })?;
    expect(&upload(&Desk::new("userpass")?, &busy, &[])?, 0)?;
    ensure!(times(&busy, "PUT /x.rucio.upload") == 2, "{:?}", asked(&busy));
    for (status, puts) in [(403, 1), (413, 1), (507, 2)] {
        let full = storage(move |request, _| request.starts_with("PUT").then(|| Answer::new(status, "", "")))?;
        let outcome = upload(&Desk::new("userpass")?, &full, &[])?;
        expect(&outcome, 79)?;
        ensure!(outcome.stderr.contains(&status.to_string()), "{}", outcome.stderr);
        ensure!(times(&full, "PUT /x.rucio.upload") == puts, "{status}: {:?}", asked(&full));
        ensure!(times(&full, "DELETE /x.rucio.upload") == 1, "{status}: {:?}", asked(&full));
    }
    Ok(())
}

#[test]
fn missing_folders_are_made_from_the_first_that_is_missing() -> Result<()> {
    let storage = storage(|request, before| match (request, before) {
        ("PUT /a/b/c/x.rucio.upload", 0) | ("MKCOL /a/b/c/" | "MKCOL /a/b/", 0) => Some(Answer::new(409, "", "")),
        _ => None,
    })?;
    let desk = Desk::new("userpass")?;
    let name = desk.file(b"Wikipedia")?;
    expect(&desk.upload("DAV", &["--pfn", &format!("{}/a/b/c/x", storage.url()), &name])?, 0)?;
    let made: Vec<_> = storage.heard().into_iter().map(|h| h.request).filter(|r| r.starts_with("MKCOL")).collect();
    ensure!(made == ["MKCOL /a/b/c/", "MKCOL /a/b/", "MKCOL /a/", "MKCOL /a/b/", "MKCOL /a/b/c/"], "{made:?}");
    Ok(())
}

#[test]
fn a_file_that_came_in_between_is_not_overwritten() -> Result<()> {
    let storage = storage(|request, _| request.starts_with("MOVE").then(|| Answer::new(412, "", "")))?;
    let outcome = upload(&Desk::new("userpass")?, &storage, &[])?;
    expect(&outcome, 79)?;
    ensure!(outcome.stderr.contains("there is a file already"), "{}", outcome.stderr);
    ensure!(times(&storage, "DELETE /x.rucio.upload") == 1 && times(&storage, "DELETE /x") == 0);
    Ok(())
}

#[test]
fn a_silent_storage_is_given_up_after_the_time_that_was_given() -> Result<()> {
    let storage = storage(|request, _| request.starts_with("PUT").then_some(Answer::Silence))?;
    let outcome = upload(&Desk::new("userpass")?, &storage, &["--transfer-timeout", "1"])?;
    expect(&outcome, 79)?;
    ensure!(outcome.stderr.contains("the storage took no byte for 1 s"), "{}", outcome.stderr);
    ensure!(times(&storage, "DELETE /x.rucio.upload") == 1, "{:?}", asked(&storage));
    Ok(())
}

#[test]
fn a_storage_that_is_down_is_the_services_failure() -> Result<()> {
    let desk = Desk::new("userpass")?;
    let name = desk.file(b"Wikipedia")?;
    let down = desk.upload("DAV", &["--pfn", "http://127.0.0.1:1/x", &name])?;
    expect(&down, 63)?;
    ensure!(down.stderr.contains("Connection refused"), "{}", down.stderr);
    Ok(())
}

/// Whatever is written to `/dev/full` does not fit.
#[test]
fn a_full_disk_is_reported_and_nothing_stays() -> Result<()> {
    let desk = Desk::new("userpass")?;
    let name = desk.file(b"Wikipedia")?;
    let place = desk.home.path().join("storage");
    fs::create_dir(&place)?;
    std::os::unix::fs::symlink("/dev/full", place.join("x.rucio.upload"))?;
    let full = desk.upload("POSIX", &["--pfn", &format!("file://localhost{}/x", place.display()), &name])?;
    expect(&full, 79)?;
    ensure!(full.stderr.contains("No space left on device"), "{}", full.stderr);
    ensure!(fs::read_dir(&place)?.next().is_none(), "something stays");
    Ok(())
}

#[test]
fn a_program_that_is_not_installed_is_named() -> Result<()> {
    let desk = Desk::new("root")?;
    let name = desk.file(b"Wikipedia")?;
    for (rse, program) in [("XRD1", "xrootd-client"), ("SSH", "openssh-client")] {
        let words =
            ["--legacy", "upload", "--rse", rse, "--scope", &desk.scope, "--lfn", &format!("{name}.{rse}"), &name];
        let outcome = desk.rucio()?.env("PATH", "/nowhere").args(words).run()?;
        expect(&outcome, 53)?;
        ensure!(outcome.stderr.contains(program), "{}", outcome.stderr);
    }
    Ok(())
}

/// Our client at work, with a large file.
fn start(desk: &Desk, pfn: &str) -> Result<Child> {
    let file = File::create(desk.folder.join("large"))?;
    file.set_len(400_000_000)?;
    let words = ["upload", "--rse", "MULTI", "--scope", "user.jdoe", "--lfn", &desk.new, "--pfn", pfn, "large"];
    let proxy = Home::certificate("jdoe.proxy.pem")?;
    let child = Command::new(env!("CARGO_BIN_EXE_rucio"))
        .args(words)
        .env_clear()
        .envs([("HOME", desk.home.path()), ("TMPDIR", desk.home.path()), ("X509_USER_PROXY", proxy.as_path())])
        .env("RUCIO_CONFIG", Testbed::get()?.config("userpass")?)
        .current_dir(&desk.folder)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    Ok(child)
}

#[test]
fn ctrl_c_ends_an_upload_at_once_and_takes_back_what_was_written() -> Result<()> {
    let storage = storage(|request, _| request.starts_with("PUT").then_some(Answer::Silence))?;
    let desk = Desk::new("userpass")?;
    let mut child = start(&desk, &format!("{}/x", storage.url()))?;
    storage.wait_for("PUT /x.rucio.upload")?;
    kill_process(Pid::from_child(&child), Signal::INT)?;
    let pressed = Instant::now();
    let status = child.wait()?;
    ensure!(status.code() == Some(130), "{status}");
    ensure!(pressed.elapsed() < Duration::from_secs(5), "{:?}", pressed.elapsed());
    wait_for(
        "the temporary file to be deleted",
        || Ok((times(&storage, "DELETE /x.rucio.upload") == 1).then_some(())),
    )?;
    ensure!(times(&storage, "MOVE /x.rucio.upload") == 0);
    Ok(())
}

/// The catalogue knows of the file before it is written. What an interrupted run leaves is that entry, and no bytes.
#[test]
fn after_ctrl_c_the_same_command_completes_the_upload() -> Result<()> {
    const SIZE: u64 = 60_000_000;
    let (desk, rse) = (Desk::new("root")?, "DAVS_SCRATCHDISK");
    File::create(desk.folder.join(&desk.new))?.set_len(SIZE)?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_rucio"));
    command.args(["upload", "-o", "jsonl", "--rse", rse, "--scope", &desk.scope, &desk.new]);
    command.env_clear().envs([("HOME", desk.home.path()), ("TMPDIR", desk.home.path())]);
    command.env("RUCIO_CONFIG", Testbed::get()?.config(desk.config)?).current_dir(&desk.folder);
    command.env("X509_USER_PROXY", Home::certificate("root.proxy.pem")?);
    command.stderr(File::create(desk.home.path().join("said"))?);
    let mut watched = Watched::start(command)?;
    watched.wait_for("target", &desk.new)?;
    watched.signal(Signal::INT)?;
    ensure!(watched.end()?.0 == 130);
    let said = fs::read_to_string(desk.home.path().join("said"))?;
    ensure!(said.contains("run the same command again"), "{said}");
    ensure!(desk.state(&desk.new, rse)? == "COPYING", "{}", desk.state(&desk.new, rse)?);
    wait_for("nothing to lie there", || {
        Ok(found(&super::storage("davs/scratch")?, &desk.new)?.is_empty().then_some(()))
    })?;
    expect(&desk.upload(rse, &[&desk.new])?, 0)?;
    ensure!(desk.state(&desk.new, rse)? == "AVAILABLE", "{}", desk.state(&desk.new, rse)?);
    let path = stored("davs/scratch", &desk.new)?;
    ensure!(path.metadata()?.len() == SIZE);
    Ok(fs::remove_file(path)?)
}
