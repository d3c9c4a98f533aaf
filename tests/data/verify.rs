//! `rucio verify`: damaged files are detected and fixed.

use std::collections::BTreeMap;
use std::fs;
use std::process::Stdio;

use anyhow::{Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::expect;
use super::fixture::Fixture;
use crate::fixtures::{Answer, Server, shell_code};
use crate::support::Outcome;

/// State by path.
fn states(outcome: &Outcome) -> Result<BTreeMap<String, String>> {
    let records: Vec<Value> = serde_json::from_str(&outcome.stdout)?;
    let text = |record: &Value, key: &str| record[key].as_str().unwrap_or_default().to_owned();
    Ok(records.iter().map(|record| (text(record, "path"), text(record, "state"))).collect())
}

#[test]
fn verify_finds_every_fault_and_the_next_download_fixes_it() -> Result<()> {
    let fixture = Fixture::new()?;
    expect(&fixture.run(&["download", "--dir", "data", "test:davsfile", "test:empty.dat"])?, 0)?;
    let words = ["verify", "--dir", "data", "--failed-list", "bad", "test:davsfile", "test:empty.dat"];
    let good = fixture.run(&words)?;
    expect(&good, 0)?;
    ensure!(good.stdout == "7 file(s): 7 ok\n" && fixture.read("bad")?.is_empty(), "{good:?}");
    let path = |number: u32| format!("data/davsfile/davsfile-{number}.dat");
    fs::remove_file(fixture.path(&path(0)))?;
    fs::write(fixture.path(&path(1)), "short")?;
    let length = fs::metadata(fixture.path(&path(2)))?.len();
    fs::write(fixture.path(&path(2)), vec![b'?'; length as usize])?;
    fs::write(fixture.path("data/davsfile/notes"), "my own")?;
    let bad = fixture.run(&words)?;
    expect(&bad, 1)?;
    ensure!(
        bad.stdout.contains("missing        test:davsfile-0.dat at data/davsfile/davsfile-0.dat\n"),
        "{}",
        bad.stdout
    );
    ensure!(bad.stdout.contains("wrong_size     test:davsfile-1.dat at data/davsfile/davsfile-1.dat: 5, not 20000\n"));
    ensure!(
        bad.stdout.ends_with("8 file(s): 4 ok, 1 missing, 1 wrong_size, 1 wrong_checksum, 1 extra\n"),
        "{}",
        bad.stdout
    );
    let records = fixture.rucio()?.args(words).args(["-o", "json"]).run()?;
    let states = states(&records)?;
    let expected = [(path(0), "missing"), (path(1), "wrong_size"), (path(2), "wrong_checksum"), (path(3), "ok")];
    ensure!(expected.iter().all(|(path, state)| states[path] == *state), "{states:?}");
    ensure!(states["data/davsfile/notes"] == "extra" && states["data/test/empty.dat"] == "ok", "{states:?}");
    let mut list: Vec<_> = fixture.read("bad")?.lines().map(str::to_owned).collect();
    list.sort();
    ensure!(list == [0, 1, 2].map(|number| format!("test:davsfile-{number}.dat\ttest:davsfile")), "{list:?}");
    expect(&fixture.run(&["download", "--dir", "data", "--files-from", "bad"])?, 0)?;
    let fixed = fixture.rucio()?.args(words).args(["--ignore-extra"]).run()?;
    expect(&fixed, 0)?;
    ensure!(fixed.stdout == "7 file(s): 7 ok\n", "{}", fixed.stdout);
    Ok(())
}

#[test]
fn verify_leaves_no_list_after_ctrl_c() -> Result<()> {
    let (fixture, server) = (Fixture::new()?, Server::start(|_, _| Answer::silence())?);
    let _ = server.client(&fixture.home)?;
    let config = fixture.home.path().join("rucio.cfg");
    let mut command = fixture.command(&["verify", "--failed-list", "bad", "test:davsfile"])?;
    let mut child = command.env("RUCIO_CONFIG", config).stderr(Stdio::null()).spawn()?;
    server.wait_for("GET /dids/test/davsfile/files")?;
    ensure!(fixture.files()?.len() == 1, "{:?}", fixture.files()?);
    kill_process(Pid::from_child(&child), Signal::INT)?;
    let code = shell_code(child.wait()?);
    ensure!(code == 130 && fixture.files()?.is_empty(), "{code} {:?}", fixture.files()?);
    Ok(())
}

/// The list is far longer than what the system holds of it, and its first file takes longer to read than the list.
#[test]
fn verify_reads_the_list_of_the_server_ahead_of_the_files() -> Result<()> {
    const LIST: &str = "GET /dids/faults/set/files";
    let (fixture, long, bytes) = (Fixture::new()?, "x".repeat(200), 1_u64 << 40);
    let row = |number| {
        format!("{{\"scope\": \"faults\", \"name\": \"{long}{number}\", \"bytes\": {bytes}, \"adler32\": \"1\"}}\n")
    };
    let rows: String = (0..100_000).map(row).collect();
    let server = Server::start(move |heard, _| match heard.request.as_str() {
        LIST => Answer::new(200, "Content-Type: application/x-json-stream\r\n", &rows),
        _ => Answer::json("{}"),
    })?;
    let _ = server.client(&fixture.home)?;
    fs::create_dir(fixture.path("set"))?;
    fs::File::create(fixture.path(&format!("set/{long}0")))?.set_len(bytes)?;
    let mut command = fixture.command(&["verify", "faults:set"])?;
    let config = fixture.home.path().join("rucio.cfg");
    let mut child = command.env("RUCIO_CONFIG", config).stdout(Stdio::piped()).spawn()?;
    let taken = server.wait_until_taken(LIST);
    let ended = child.try_wait()?;
    child.kill()?;
    let output = child.wait_with_output()?;
    ensure!(ended.is_none() && output.stdout.is_empty(), "{ended:?} {output:?}");
    taken
}

#[test]
fn verify_looks_up_a_folder_named_after_a_scope() -> Result<()> {
    let fixture = Fixture::new()?;
    expect(&fixture.run(&["download", "test:mixed-00.dat", "test:mixed-01.dat", "user.jdoe:odd/names"])?, 0)?;
    expect(&fixture.run(&["verify", "test"])?, 0)?;
    fs::write(fixture.path("test/mixed-01.dat"), "?")?;
    fs::create_dir(fixture.path("test/sub"))?;
    fs::write(fixture.path("test/sub/unknown"), "?")?;
    let bad = fixture.run(&["verify", "test/"])?;
    expect(&bad, 1)?;
    ensure!(bad.stdout.ends_with("3 file(s): 1 ok, 1 wrong_size, 1 extra\n"), "{}", bad.stdout);
    // The folder of a collection is no scope, but its files may be of one.
    let names = fixture.run(&["verify", "odd"])?;
    expect(&names, 1)?;
    ensure!(names.stderr.contains("or the scope with --scope"), "{names:?}");
    expect(&fixture.run(&["verify", "--scope", "user.jdoe", "odd/names"])?, 0)?;
    Ok(())
}

#[test]
fn verify_of_files_in_a_folder_reports_extra_ones() -> Result<()> {
    let fixture = Fixture::new()?;
    expect(&fixture.run(&["download", "--no-subdir", "--dir", "flat", "test:davsfile"])?, 0)?;
    fs::write(fixture.path("flat/other"), "")?;
    let flat = fixture.run(&["verify", "--no-subdir", "--dir", "flat", "test:davsfile"])?;
    expect(&flat, 0)?;
    ensure!(flat.stdout == "6 file(s): 6 ok\n", "{}", flat.stdout);
    expect(&fixture.run(&["verify", "test:nosuch"])?, 1)?;
    Ok(())
}
