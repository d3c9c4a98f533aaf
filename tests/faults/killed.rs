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

use crate::fixtures::{Answer, Home, Server};
use crate::support::{Outcome, Rucio, Testbed, unique};

/// Files of `bench:many`, all of which can be downloaded. Those of `bench:big`, 20,000, cannot.
const MANY: usize = 12_000;
/// At how many moments a list is interrupted at most, until one was cut and completed.
const MOMENTS: u32 = 12;

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

fn rucio(home: &Home) -> Result<Rucio> {
    let url = Testbed::get()?.value("FRAIL_URL")?;
    let client = Rucio::ours().config("userpass")?.home(home.path()).folder(home.path());
    Ok(client.limit(Duration::from_secs(600)).args(["-H", url, "--auth-host", url]))
}

/// Runs it and kills the server after this time.
fn interrupted(home: &Home, words: &[&str], after: Duration) -> Result<Outcome> {
    thread::scope(|scope| {
        let client = scope.spawn(|| rucio(home)?.args(words).run());
        thread::sleep(after);
        if let Some(pid) = server()? {
            kill_process(pid, Signal::KILL)?;
        }
        client.join().map_err(|_| anyhow::anyhow!("the client panicked"))?
    })
}

/// Kills the server at moments spread over the time that the command takes, until a list was cut and completed.
/// The caller holds [`SERVER`]. `before` prepares each run, `is_whole` returns whether everything was received.
fn complete_or_failed(
    words: &[&str],
    before: impl Fn(&Home) -> Result<()>,
    is_whole: impl Fn(&Home, &Outcome) -> Result<bool>,
) -> Result<()> {
    let home = Home::new()?;
    rucio(&home)?.args(["whoami"]).run()?;
    before(&home)?;
    let start = requests()?;
    let undisturbed = rucio(&home)?.args(words).run()?;
    let usual = requests()? - start;
    ensure!(is_whole(&home, &undisturbed)?, "undisturbed: {}\n{}", undisturbed.code, undisturbed.stderr);
    for moment in 1..=MOMENTS {
        before(&home)?;
        // 5/13, 10/13, 2/13, 7/13 ...: the middle first.
        let after = undisturbed.took * (moment * 5 % (MOMENTS + 1)) / (MOMENTS + 1);
        let start = requests()?;
        let outcome = interrupted(&home, words, after)?;
        let is_whole = is_whole(&home, &outcome)?;
        ensure!(outcome.code != undisturbed.code || is_whole, "killed after {after:?}, and not all came: {outcome:?}");
        if outcome.code == undisturbed.code && requests()? - start > usual {
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
    let home = Home::new()?;
    let expected = rucio(&home)?.args(words).run()?;
    ensure!(expected.code == 0, "undisturbed: {expected:?}");
    let (expected, number) = (lines(&expected), expected.stdout.lines().count());
    ensure!(number >= MANY, "only {number} lines");
    let is_whole =
        |_: &Home, outcome: &Outcome| Ok(lines(outcome) == expected && outcome.stdout.lines().count() == number);
    complete_or_failed(words, |_| Ok(()), is_whole)
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
    let is_whole = |_: &Home, outcome: &Outcome| {
        let counted = outcome.stdout.lines().find(|line| line.contains(" file(s): "));
        Ok(counted.is_none_or(|line| line == "20000 file(s): 0 ok, 20000 missing"))
    };
    complete_or_failed(&["verify", "--dir", "nothing", "bench:big"], |_| Ok(()), is_whole)
}

#[test]
fn killed_server_download_is_complete_or_an_error() -> Result<()> {
    let _server = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
    let empty = |home: &Home| match fs::remove_dir_all(home.path().join("here")) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    };
    let is_whole = |home: &Home, _: &Outcome| {
        let folder = home.path().join("here/many");
        let is_complete = |entry: &fs::DirEntry| entry.path().extension().is_some_and(|extension| extension == "dat");
        Ok(fs::read_dir(folder).is_ok_and(|entries| entries.flatten().filter(is_complete).count() == MANY))
    };
    // The one server would be busy with 12,000 traces for minutes.
    let sink = Server::start(|_, _| Answer::new(201, "", "Created"))?;
    let folder = tempfile::tempdir()?;
    let config = folder.path().join("rucio.cfg");
    let text = fs::read_to_string(Testbed::get()?.config("userpass")?)?;
    fs::write(&config, format!("{text}\n[trace]\ntrace_host = {}\n", sink.url()))?;
    let words = ["--config", &config.to_string_lossy(), "download", "--dir", "here", "bench:many"];
    complete_or_failed(&words, empty, is_whole)
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
fn available(home: &Home, words: &[String]) -> Result<BTreeSet<String>> {
    let dataset = words.iter().find(|word| word.ends_with(".ds")).context("no dataset")?;
    let listed = rucio(home)?.args(["-o", "json", "replica", "list", "file", "--all-states", dataset]).run()?;
    let rows: serde_json::Value = serde_json::from_str(&listed.stdout).unwrap_or_default();
    let available = rows.as_array().into_iter().flatten().filter(|row| row["state"] == "AVAILABLE");
    Ok(available.filter_map(|row| Some(row["name"].as_str()?.to_owned())).collect())
}

#[test]
fn killed_server_upload_is_registered_or_an_error() -> Result<()> {
    let _server = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
    let home = Home::new()?;
    let words = new_files(&home)?;
    let undisturbed = rucio(&home)?.args(&words).run()?;
    ensure!(undisturbed.code == 0 && available(&home, &words)?.len() == 20, "undisturbed: {undisturbed:?}");
    for moment in 1..MOMENTS / 2 {
        let words = new_files(&home)?;
        let after = undisturbed.took * moment / (MOMENTS / 2);
        let outcome = interrupted(&home, &words.iter().map(String::as_str).collect::<Vec<_>>(), after)?;
        let registered = available(&home, &words)?;
        let is_whole = registered.len() == 20;
        ensure!(outcome.code != 0 || is_whole, "killed after {after:?}: {registered:?}\n{}", outcome.stderr);
        let again = rucio(&home)?.args(&words).run()?;
        let is_fine = again.code == 0 || again.stderr.contains(" 0 failed.");
        ensure!(is_fine, "killed after {after:?}: {}\n{}", outcome.stderr, again.stderr);
        ensure!(available(&home, &words)?.len() == 20, "killed after {after:?}: {}\n{}", outcome.stderr, again.stderr);
    }
    Ok(())
}
