//! The process of the real server is killed in the middle of a list. mod_wsgi ends such an answer like a whole one, so the
//! end of a response proves nothing: with exit code 0 everything was received, and as the server is back at once,
//! everything is.

use std::collections::BTreeSet;
use std::fs;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::fixtures::{Answer, Home, Relay, Server, wait_for};
use crate::support::{Outcome, Rucio, Testbed, unique};

/// Files of `bench:many`, all of which can be downloaded. Those of `bench:big`, 20,000, cannot.
const MANY: usize = 12_000;
/// At how many moments a list is interrupted at most, until one was cut and completed.
const MOMENTS: usize = 12;

/// The tests share the one server that may be killed.
static SERVER: Mutex<()> = Mutex::new(());

/// The process that runs the Rucio server: a child of this Apache, under another name.
fn server() -> Result<Option<Pid>> {
    let pid_file = format!("{}/run/frail.httpd.pid", Testbed::get()?.value("DIR")?);
    let parent = fs::read_to_string(&pid_file).with_context(|| pid_file.clone())?.trim().to_owned();
    for entry in fs::read_dir("/proc")?.flatten() {
        let read = |name: &str| fs::read_to_string(entry.path().join(name)).unwrap_or_default();
        let is_child = read("stat").rsplit_once(')').is_some_and(|(_, rest)| rest.split(' ').nth(2) == Some(&parent));
        if is_child && read("cmdline").starts_with("testbed") {
            return Ok(entry.file_name().to_string_lossy().parse().ok().and_then(Pid::from_raw));
        }
    }
    Ok(None)
}

/// How many requests the server has answered so far. It writes its log a moment after an answer, so the number counts
/// when it has stopped growing.
fn requests() -> Result<usize> {
    let path = format!("{}/frail.access.log", Testbed::get()?.value("LOGS")?);
    let mut number = None;
    loop {
        let now = fs::read_to_string(&path).with_context(|| path.clone())?.lines().count();
        if number.replace(now) == Some(now) {
            return Ok(now);
        }
        thread::sleep(Duration::from_millis(100));
    }
}

/// The server's port.
fn port() -> Result<u16> {
    let url = Testbed::get()?.value("FRAIL_URL")?;
    Ok(url.rsplit_once(':').context("no port")?.1.parse()?)
}

fn relay() -> Result<Relay> {
    Relay::start(port()?)
}

/// Our client, at that port of this machine.
fn rucio(home: &Home, port: u16) -> Result<Rucio> {
    let url = format!("https://localhost:{port}");
    let client = Rucio::ours().config("userpass")?.home(home.path()).folder(home.path());
    Ok(client.limit(Duration::from_secs(600)).args(["-H", &url, "--auth-host", &url]))
}

/// Kills the server when it has sent so many more bytes.
fn kill_after(relay: &Relay, bytes: usize) -> Result<()> {
    let process = wait_for("the server's process", server)?;
    relay.after(bytes, move || {
        // It may have ended meanwhile.
        let _ = kill_process(process, Signal::KILL);
    });
    Ok(())
}

/// What the user has after a command.
#[derive(Debug, PartialEq)]
enum Received {
    All,
    Part,
    /// The command says that it failed.
    Error,
}

impl Received {
    fn new(is_success: bool, is_all: bool) -> Self {
        match (is_success, is_all) {
            (false, _) => Self::Error,
            (true, true) => Self::All,
            (true, false) => Self::Part,
        }
    }
}

/// Kills the server at moments spread over what it sends for the command, until a list was cut and completed.
/// The caller holds [`SERVER`]. `before` prepares each run.
fn complete_or_failed(
    words: &[&str],
    before: impl Fn(&Home) -> Result<()>,
    received: impl Fn(&Home, &Outcome) -> Result<Received>,
) -> Result<()> {
    let (home, relay) = (Home::new()?, relay()?);
    let rucio = || rucio(&home, relay.port());
    rucio()?.args(["whoami"]).run()?;
    before(&home)?;
    let (start, bytes) = (requests()?, relay.received());
    let undisturbed = rucio()?.args(words).run()?;
    ensure!(
        received(&home, &undisturbed)? == Received::All,
        "undisturbed: {}\n{}",
        undisturbed.code,
        undisturbed.stderr
    );
    let (usual, bytes) = (requests()? - start, relay.received() - bytes);
    for moment in 1..=MOMENTS {
        before(&home)?;
        let start = requests()?;
        // 5/13, 10/13, 2/13, 7/13 ...: the middle first.
        let after = bytes * (moment * 5 % (MOMENTS + 1)) / (MOMENTS + 1);
        kill_after(&relay, after)?;
        let outcome = rucio()?.args(words).run()?;
        let result = received(&home, &outcome)?;
        ensure!(result != Received::Part, "killed after {after} bytes, and not all came: {outcome:?}");
        if result == Received::All && requests()? - start > usual {
            return Ok(());
        }
    }
    anyhow::bail!("no list was cut and completed in {MOMENTS} runs")
}

/// The lines of stdout, sorted.
fn lines(outcome: &Outcome) -> BTreeSet<&str> {
    outcome.stdout.lines().collect()
}

/// The same lines as these, each once.
fn same_lines(words: &[&str]) -> Result<()> {
    let _server = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
    let expected = rucio(&Home::new()?, port()?)?.args(words).run()?;
    ensure!(expected.code == 0, "undisturbed: {expected:?}");
    let (expected, number) = (lines(&expected), expected.stdout.lines().count());
    ensure!(number >= MANY, "only {number} lines");
    let received = |_: &Home, outcome: &Outcome| {
        let is_all = lines(outcome) == expected && outcome.stdout.lines().count() == number;
        Ok(Received::new(outcome.code == 0, is_all))
    };
    complete_or_failed(words, |_| Ok(()), received)
}

#[test]
fn killed_server_list_files_is_complete_or_an_error() -> Result<()> {
    same_lines(&["list-files", "--csv", "bench:big"])
}

#[test]
fn killed_server_replica_list_is_complete_or_an_error() -> Result<()> {
    same_lines(&["replica", "list", "file", "bench:many"])
}

#[test]
fn killed_server_content_list_is_complete_or_an_error() -> Result<()> {
    same_lines(&["did", "content", "list", "--short", "bench:big"])
}

#[test]
fn killed_server_dry_run_is_complete_or_an_error() -> Result<()> {
    same_lines(&["download", "--dry-run", "--dir", "here", "bench:many"])
}

/// Nothing is there, so every file of the list is missing; the line with the numbers is printed only after a complete list.
#[test]
fn killed_server_verify_is_complete_or_an_error() -> Result<()> {
    let _server = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
    let received = |_: &Home, outcome: &Outcome| {
        let counted = outcome.stdout.lines().find(|line| line.contains(" file(s): "));
        Ok(Received::new(counted.is_some(), counted == Some("20000 file(s): 0 ok, 20000 missing")))
    };
    complete_or_failed(&["verify", "--dir", "nothing", "bench:big"], |_| Ok(()), received)
}

#[test]
fn killed_server_download_is_complete_or_an_error() -> Result<()> {
    let _server = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
    let empty = |home: &Home| match fs::remove_dir_all(home.path().join("here")) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    };
    let received = |home: &Home, outcome: &Outcome| {
        let folder = home.path().join("here/many");
        let is_complete = |entry: &fs::DirEntry| entry.path().extension().is_some_and(|extension| extension == "dat");
        let is_all = fs::read_dir(folder).is_ok_and(|entries| entries.flatten().filter(is_complete).count() == MANY);
        Ok(Received::new(outcome.code == 0, is_all))
    };
    // The one server would be busy with 12,000 traces for minutes.
    let sink = Server::start(|_, _| Answer::new(201, "", "Created"))?;
    let folder = tempfile::tempdir()?;
    let config = folder.path().join("rucio.cfg");
    let text = fs::read_to_string(Testbed::get()?.config("userpass")?)?;
    fs::write(&config, format!("{text}\n[trace]\ntrace_host = {}\n", sink.url()))?;
    let words = ["--config", &config.to_string_lossy(), "download", "--dir", "here", "bench:many"];
    complete_or_failed(&words, empty, received)
}

/// Small files of new names for an upload to a dataset; the words of the command.
fn new_files(home: &Home) -> Result<Vec<String>> {
    const FILES: usize = 20;
    let tag = unique("killed");
    let names: Vec<_> = (0..FILES).map(|number| format!("{tag}.{number:02}")).collect();
    names.iter().try_for_each(|name| fs::write(home.path().join(name), name))?;
    let fixed = ["upload", "--rse", "POSIX_SCRATCHDISK", "--scope", "user.jdoe", "--register-after-upload"];
    let words = fixed.into_iter().map(str::to_owned).chain([format!("user.jdoe:{tag}.ds")]);
    Ok(words.chain(names).collect())
}

/// Names of the files in the dataset of an upload that are available.
fn available(home: &Home, port: u16, words: &[String]) -> Result<BTreeSet<String>> {
    let dataset = words.iter().find(|word| word.ends_with(".ds")).context("no dataset")?;
    let listed = rucio(home, port)?.args(["-o", "json", "replica", "list", "file", "--all-states", dataset]).run()?;
    let rows: serde_json::Value = serde_json::from_str(&listed.stdout).unwrap_or_default();
    let available = rows.as_array().into_iter().flatten().filter(|row| row["state"] == "AVAILABLE");
    Ok(available.filter_map(|row| Some(row["name"].as_str()?.to_owned())).collect())
}

#[test]
fn killed_server_upload_is_registered_or_an_error() -> Result<()> {
    let _server = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
    let (home, relay) = (Home::new()?, relay()?);
    let port = relay.port();
    let rucio = || rucio(&home, port);
    rucio()?.args(["whoami"]).run()?;
    let (words, bytes) = (new_files(&home)?, relay.received());
    let undisturbed = rucio()?.args(&words).run()?;
    let bytes = relay.received() - bytes;
    ensure!(undisturbed.code == 0 && available(&home, port, &words)?.len() == 20, "undisturbed: {undisturbed:?}");
    for moment in 1..MOMENTS / 2 {
        let words = new_files(&home)?;
        let after = bytes * moment / (MOMENTS / 2);
        kill_after(&relay, after)?;
        let outcome = rucio()?.args(&words).run()?;
        let registered = available(&home, port, &words)?;
        let is_whole = registered.len() == 20;
        ensure!(outcome.code != 0 || is_whole, "killed after {after} bytes: {registered:?}\n{}", outcome.stderr);
        let again = rucio()?.args(&words).run()?;
        let is_fine = again.code == 0 || again.stderr.contains(" 0 failed.");
        ensure!(is_fine, "killed after {after} bytes: {}\n{}", outcome.stderr, again.stderr);
        let registered = available(&home, port, &words)?.len();
        ensure!(registered == 20, "killed after {after} bytes: {}\n{}", outcome.stderr, again.stderr);
    }
    Ok(())
}
