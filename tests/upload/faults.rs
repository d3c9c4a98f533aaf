//! Storages that misbehave. The address of a fault server is given with `--pfn`; so the catalogue stays out of it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

use super::{Fixture, expect, found, stored};
use crate::fixtures::{Answer, Home, PROMPT, ReceivedRequest, Server, USER, WatchedProcess, wait_for};
use crate::support::{Outcome, Rucio, Testbed};

const TEMPORARY: &str = "/x.rucio.upload";
/// Number of digits in the name of an incomplete file.
const DIGITS: usize = 12;

/// A storage that is empty, accepts everything, and returns the file `Wikipedia` afterwards; except for these requests. They
/// are passed as [`plain`] ones, and the number of earlier ones of the same kind.
pub(super) fn storage(odd: impl Fn(&str, usize) -> Option<Answer> + Send + Sync + 'static) -> Result<Server> {
    let (written, renamed) = (AtomicBool::new(false), AtomicBool::new(false));
    Server::start(move |heard, before| {
        let request = plain(&heard.request);
        let is_written = request.ends_with(TEMPORARY) && written.load(Ordering::SeqCst);
        match odd(&request, before) {
            Some(answer) => answer,
            None => match request.split(' ').next().unwrap_or_default() {
                "HEAD" if is_written || renamed.load(Ordering::SeqCst) => head("Digest: adler32=11e60398\r\n", 9),
                "HEAD" => Answer::new(404, "", ""),
                method => {
                    written.fetch_or(method == "PUT", Ordering::SeqCst);
                    renamed.fetch_or(method == "MOVE", Ordering::SeqCst);
                    Answer::new(201, "", "")
                }
            },
        }
    })
}

/// A request without the digits that make a temporary name unique.
pub(super) fn plain(request: &str) -> String {
    let Some(start) = request.strip_suffix(".rucio.upload") else { return request.to_owned() };
    match start.rsplit_once('.') {
        Some((start, digits)) if digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            format!("{start}.rucio.upload")
        }
        _ => request.to_owned(),
    }
}

/// Waits for this request; with the digits, if it has any.
fn wait_until_asked(storage: &Server, request: &str) -> Result<ReceivedRequest> {
    wait_for(request, || Ok(storage.heard().into_iter().find(|heard| plain(&heard.request) == request)))
}

pub(super) fn head(headers: &str, length: usize) -> Answer {
    let text = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n");
    Answer::raw(text.as_bytes(), b"")
}

/// Uploads `Wikipedia` there.
pub(super) fn upload(fixture: &Fixture, storage: &Server, words: &[&str]) -> Result<Outcome> {
    let name = fixture.file(b"Wikipedia")?;
    let pfn = format!("{}/x", storage.url());
    fixture.upload("DAV", &[&["--pfn", &pfn, &name], words].concat())
}

/// Number of each request.
pub(super) fn asked(storage: &Server) -> BTreeMap<String, usize> {
    let mut asked = BTreeMap::new();
    storage.heard().into_iter().for_each(|heard| *asked.entry(plain(&heard.request)).or_default() += 1);
    asked
}

pub(super) fn times(storage: &Server, request: &str) -> usize {
    asked(storage).get(request).copied().unwrap_or(0)
}

#[test]
fn upload_writes_a_temporary_name_verifies_and_renames_without_overwriting() -> Result<()> {
    let storage = storage(|_, _| None)?;
    expect(&upload(&Fixture::new("userpass")?, &storage, &[])?, 0)?;
    let heard: Vec<_> = storage.heard().into_iter().map(|heard| plain(&heard.request)).collect();
    let lock = "/x.lock.rucio.upload/";
    let order =
        ["HEAD /x", "PUT /x.rucio.upload", "HEAD /x.rucio.upload", &format!("MKCOL {lock}"), "MOVE /x.rucio.upload"];
    ensure!(heard[..5] == order, "{heard:?}");
    let mut last = heard[5..].to_vec();
    last.sort();
    ensure!(last == [format!("DELETE {lock}"), "HEAD /x".to_owned()], "{heard:?}");
    let renamed = wait_until_asked(&storage, "MOVE /x.rucio.upload")?;
    ensure!(renamed.header("overwrite") == Some("F"), "{renamed:?}");
    ensure!(renamed.header("destination") == Some(&format!("{}/x", storage.url())), "{renamed:?}");
    Ok(())
}

#[test]
fn upload_that_the_storage_spoiled_is_deleted() -> Result<()> {
    type Corruption = fn() -> Answer;
    let cases: [(&str, Corruption); 4] = [
        ("Checksum mismatch. Source: 11e60398 Destination: 00000001", || head("Digest: adler32=00000001\r\n", 9)),
        ("Filesize mismatch. Source: 9 Destination: 8", || head("", 8)),
        ("what was written is not there", || Answer::new(404, "", "")),
        ("403", || Answer::new(403, "", "")),
    ];
    for (reason, answer) in cases {
        let storage = storage(move |request, _| (request == "HEAD /x.rucio.upload").then(answer))?;
        let outcome = upload(&Fixture::new("userpass")?, &storage, &[])?;
        expect(&outcome, 79)?;
        ensure!(outcome.stderr.contains(reason), "{reason}: {}", outcome.stderr);
        ensure!(times(&storage, "MOVE /x.rucio.upload") == 0, "{:?}", asked(&storage));
        ensure!(times(&storage, "DELETE /x.rucio.upload") == 1, "{:?}", asked(&storage));
    }
    Ok(())
}

#[test]
fn upload_is_retried_at_an_overloaded_storage_but_not_at_a_full_one() -> Result<()> {
    let busy = storage(|request, before| {
        (request.starts_with("PUT") && before == 0).then(|| Answer::new(503, "Retry-After: 0\r\n", ""))
    })?;
    expect(&upload(&Fixture::new("userpass")?, &busy, &[])?, 0)?;
    ensure!(times(&busy, "PUT /x.rucio.upload") == 2, "{:?}", asked(&busy));
    for (status, puts) in [(403, 1), (413, 1), (507, 1)] {
        let full = storage(move |request, _| request.starts_with("PUT").then(|| Answer::new(status, "", "")))?;
        let outcome = upload(&Fixture::new("userpass")?, &full, &[])?;
        expect(&outcome, 79)?;
        ensure!(outcome.stderr.contains(&status.to_string()), "{}", outcome.stderr);
        ensure!(times(&full, "PUT /x.rucio.upload") == puts, "{status}: {:?}", asked(&full));
        ensure!(times(&full, "DELETE /x.rucio.upload") == 1, "{status}: {:?}", asked(&full));
    }
    Ok(())
}

#[test]
fn busy_storage_is_waited_for_as_long_as_it_asks_without_an_attempt() -> Result<()> {
    let busy = storage(|request, before| {
        let is_busy = request == "HEAD /x" && before == 0 || request.starts_with("PUT") && before < 3;
        is_busy.then(|| Answer::new(503, "Retry-After: 1\r\n", ""))
    })?;
    let outcome = upload(&Fixture::new("userpass")?, &busy, &[])?;
    expect(&outcome, 0)?;
    ensure!(times(&busy, "PUT /x.rucio.upload") == 4, "{:?}", asked(&busy));
    ensure!(outcome.took >= Duration::from_secs(4), "{:?}", outcome.took);
    Ok(())
}

#[test]
fn busy_storage_that_asks_for_more_than_the_time_of_a_file_fails_it_at_once() -> Result<()> {
    let busy = storage(|request, _| request.starts_with("PUT").then(|| Answer::new(429, "Retry-After: 3600\r\n", "")))?;
    let outcome = upload(&Fixture::new("userpass")?, &busy, &["--transfer-timeout", "90"])?;
    expect(&outcome, 79)?;
    let reason = "asks to come back in 3600 s, which is longer than a file waits: 90 s in all";
    ensure!(outcome.stderr.contains(reason), "{}", outcome.stderr);
    ensure!(times(&busy, "PUT /x.rucio.upload") == 1, "{:?}", asked(&busy));
    ensure!(outcome.took < Duration::from_secs(25), "{:?}", outcome.took);
    Ok(())
}

#[test]
fn upload_creates_missing_folders_from_the_first_missing_one() -> Result<()> {
    let storage = storage(|request, before| match (request, before) {
        ("PUT /a/b/c/x.rucio.upload", 0) | ("MKCOL /a/b/c/" | "MKCOL /a/b/", 0) => Some(Answer::new(409, "", "")),
        _ => None,
    })?;
    let fixture = Fixture::new("userpass")?;
    let name = fixture.file(b"Wikipedia")?;
    expect(&fixture.upload("DAV", &["--pfn", &format!("{}/a/b/c/x", storage.url()), &name])?, 0)?;
    let made: Vec<_> =
        storage.heard().into_iter().map(|h| h.request).filter(|r| r.starts_with("MKCOL")).take(5).collect();
    ensure!(made == ["MKCOL /a/b/c/", "MKCOL /a/b/", "MKCOL /a/", "MKCOL /a/b/", "MKCOL /a/b/c/"], "{made:?}");
    Ok(())
}

#[test]
fn upload_does_not_overwrite_a_file_that_came_in_between() -> Result<()> {
    let storage = storage(|request, _| request.starts_with("MOVE").then(|| Answer::new(412, "", "")))?;
    let outcome = upload(&Fixture::new("userpass")?, &storage, &[])?;
    expect(&outcome, 79)?;
    ensure!(outcome.stderr.contains("there is a file already"), "{}", outcome.stderr);
    ensure!(times(&storage, "DELETE /x.rucio.upload") == 1);
    ensure!(times(&storage, "DELETE /x") == 0);
    Ok(())
}

/// If a folder cannot serve as a lock, there is none: the destination is checked before and after renaming, and at the end.
#[test]
fn upload_checks_before_and_after_renaming_where_there_are_no_locks() -> Result<()> {
    let storage = storage(|request, _| {
        let is_folder = ["MKCOL", "PROPFIND"].iter().any(|method| request.starts_with(method));
        is_folder.then(|| Answer::new(405, "", ""))
    })?;
    expect(&upload(&Fixture::new("userpass")?, &storage, &[])?, 0)?;
    let heard: Vec<_> = storage.heard().into_iter().map(|heard| plain(&heard.request)).collect();
    let names = |request: &&String| !request.contains(".lock.rucio.upload/");
    let last: Vec<_> = heard.iter().filter(names).skip(3).collect();
    ensure!(last == ["HEAD /x", "MOVE /x.rucio.upload", "HEAD /x", "HEAD /x"], "{heard:?}");
    Ok(())
}

/// As by a server that knows no `Overwrite`.
#[test]
fn upload_of_a_file_that_was_replaced_is_refused() -> Result<()> {
    let moved = AtomicBool::new(false);
    let storage = storage(move |request, _| {
        moved.fetch_or(request.starts_with("MOVE"), Ordering::SeqCst);
        (request == "HEAD /x" && moved.load(Ordering::SeqCst)).then(|| head("Digest: adler32=00000007\r\n", 9))
    })?;
    let outcome = upload(&Fixture::new("userpass")?, &storage, &[])?;
    expect(&outcome, 79)?;
    ensure!(outcome.stderr.contains("another file has taken its place"), "{}", outcome.stderr);
    ensure!(times(&storage, "DELETE /x") == 0, "{:?}", asked(&storage));
    Ok(())
}

#[test]
fn upload_to_a_silent_storage_times_out() -> Result<()> {
    let storage = storage(|request, _| request.starts_with("PUT").then_some(Answer::silence()))?;
    let outcome = upload(&Fixture::new("userpass")?, &storage, &["--transfer-timeout", "1"])?;
    expect(&outcome, 79)?;
    ensure!(outcome.stderr.contains("the storage took no byte for 1 s"), "{}", outcome.stderr);
    ensure!(times(&storage, "DELETE /x.rucio.upload") == 1, "{:?}", asked(&storage));
    Ok(())
}

#[test]
fn upload_to_a_storage_that_is_down_is_its_failure() -> Result<()> {
    let fixture = Fixture::new("userpass")?;
    let name = fixture.file(b"Wikipedia")?;
    let down = fixture.upload("DAV", &["--pfn", "http://127.0.0.1:1/x", &name])?;
    expect(&down, 63)?;
    ensure!(down.stderr.contains("Connection refused"), "{}", down.stderr);
    Ok(())
}

/// A file system in a mount namespace of the program, invisible to others.
#[test]
fn upload_to_a_full_disk_leaves_nothing() -> Result<()> {
    let fixture = Fixture::new("userpass")?;
    let name = fixture.file(&[b'x'; 300_000])?;
    let place = fixture.home.path().join("storage");
    fs::create_dir(&place)?;
    let program = Rucio::path();
    let pfn = format!("file://localhost{}/x", place.display());
    let upload = format!("{program} --legacy upload --rse POSIX --scope {} --pfn {pfn} {name}", fixture.scope);
    let place = place.display();
    let script =
        format!("mount -t tmpfs -o size=64k none {place} && {{ {upload}; code=$?; ls -A {place}; exit $code; }}");
    let config = Testbed::get()?.config("userpass")?;
    let shell = Rucio::program("unshare").args(["--mount", "sh", "-c", &script]).folder(&fixture.folder);
    let shell = shell.home(fixture.home.path()).env("RUCIO_CONFIG", &config.to_string_lossy()).env("LOGNAME", USER);
    let full = shell.run()?;
    expect(&full, 79)?;
    ensure!(full.stderr.contains("No space left on device"), "{}", full.stderr);
    ensure!(full.stdout.is_empty(), "something stays: {}", full.stdout);
    Ok(())
}

#[test]
fn upload_names_a_program_that_is_not_installed() -> Result<()> {
    let fixture = Fixture::new("root")?;
    let name = fixture.file(b"Wikipedia")?;
    let words = ["--legacy", "upload", "--rse", "SSH", "--scope", &fixture.scope, &name];
    let outcome = fixture.rucio()?.env("PATH", "/nowhere").args(words).run()?;
    expect(&outcome, 53)?;
    ensure!(outcome.stderr.contains("openssh-client"), "{}", outcome.stderr);
    Ok(())
}

#[test]
fn upload_over_root_needs_no_program() -> Result<()> {
    let fixture = Fixture::new("root")?;
    let name = fixture.file(b"Wikipedia")?;
    let words = ["--legacy", "upload", "--rse", "XRD1", "--scope", &fixture.scope, &name];
    expect(&fixture.rucio()?.env("PATH", "/nowhere").args(words).run()?, 0)
}

/// Our client at work, with a large file.
fn start(fixture: &Fixture, pfn: &str) -> Result<Child> {
    let file = File::create(fixture.folder.join("large"))?;
    file.set_len(400_000_000)?;
    let words = ["upload", "--rse", "MULTI", "--scope", "user.jdoe", "--lfn", &fixture.new, "--pfn", pfn, "large"];
    let proxy = Home::certificate("jdoe.proxy.pem")?;
    let upload = fixture.rucio()?.env("X509_USER_PROXY", &proxy.to_string_lossy()).args(words);
    let child = upload.command()?.stderr(Stdio::null()).spawn()?;
    Ok(child)
}

#[test]
fn upload_ends_at_ctrl_c_and_deletes_what_it_wrote() -> Result<()> {
    let storage = storage(|request, _| request.starts_with("PUT").then_some(Answer::silence()))?;
    let fixture = Fixture::new("userpass")?;
    let mut child = start(&fixture, &format!("{}/x", storage.url()))?;
    wait_until_asked(&storage, "PUT /x.rucio.upload")?;
    kill_process(Pid::from_child(&child), Signal::INT)?;
    let pressed = Instant::now();
    let status = child.wait()?;
    ensure!(status.code() == Some(130), "{status}");
    ensure!(pressed.elapsed() < PROMPT, "{:?}", pressed.elapsed());
    wait_for(
        "the temporary file to be deleted",
        || Ok((times(&storage, "DELETE /x.rucio.upload") == 1).then_some(())),
    )?;
    ensure!(times(&storage, "MOVE /x.rucio.upload") == 0);
    Ok(())
}

/// The catalogue knows of the file before it is written. What an interrupted run leaves is that entry, and no bytes.
#[test]
fn upload_is_completed_by_the_same_command_after_ctrl_c() -> Result<()> {
    const SIZE: u64 = 60_000_000;
    let (fixture, rse) = (Fixture::new("root")?, "DAVS_SCRATCHDISK");
    File::create(fixture.folder.join(&fixture.new))?.set_len(SIZE)?;
    let words = ["upload", "-o", "jsonl", "--rse", rse, "--scope", &fixture.scope, &fixture.new];
    let mut command = fixture.rucio()?.args(words).command()?;
    command.stderr(File::create(fixture.home.path().join("said"))?);
    let mut watched = WatchedProcess::start(command)?;
    watched.wait_for("target", &fixture.new)?;
    watched.signal(Signal::INT)?;
    ensure!(watched.end()?.0 == 130);
    let said = fs::read_to_string(fixture.home.path().join("said"))?;
    ensure!(said.contains("run the same command again"), "{said}");
    ensure!(fixture.state(&fixture.new, rse)? == "COPYING", "{}", fixture.state(&fixture.new, rse)?);
    wait_for("nothing to lie there", || {
        Ok(found(&super::storage("davs/scratch")?, &fixture.new)?.is_empty().then_some(()))
    })?;
    expect(&fixture.upload(rse, &[&fixture.new])?, 0)?;
    ensure!(fixture.state(&fixture.new, rse)? == "AVAILABLE", "{}", fixture.state(&fixture.new, rse)?);
    let path = stored("davs/scratch", &fixture.new)?;
    ensure!(path.metadata()?.len() == SIZE);
    Ok(fs::remove_file(path)?)
}
