//! Uploads to the real storage of the testbed, and to storages that misbehave: a file under a final name is right and
//! registered, or there is none.

mod dialects;
mod events;
mod evidence;
mod faults;
mod grid;
mod killed;
mod quota;
mod race;
mod source;
mod ssh;
mod systems;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::fixtures::{Home, wait_for};
use crate::support::{Outcome, Rucio, Testbed};

/// RSEs, one of each protocol, https at XRootD and root with gsi, too, and the folders of their files.
const PLACES: [(&str, &str); 6] = [
    ("POSIX_SCRATCHDISK", "scratch"),
    ("DAVS_SCRATCHDISK", "davs/scratch"),
    ("XRDHTTP", "xrootd/http"),
    ("SSH", "scp"),
    ("XRD_SCRATCHDISK", "xrootd/scratch"),
    ("GSI_SCRATCHDISK", "xrdgsi/scratch"),
];

/// Our client with the credential for storage, in a folder of its own.
struct Fixture {
    home: Home,
    folder: PathBuf,
    /// A unique name.
    new: String,
    /// The configuration: `root` may register anywhere.
    config: &'static str,
    /// A scope of its own for root, so that no other test uses its folders at the storage.
    scope: String,
}

impl Fixture {
    fn new(config: &'static str) -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let home = Home::new()?;
        let folder = home.path().join("desk");
        fs::create_dir(&folder)?;
        // It has to be a scope, too: 25 characters at most.
        let micros = UNIX_EPOCH.elapsed()?.as_micros();
        let new = format!("up{micros:x}-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let scope = if config == "root" { new.clone() } else { "user.jdoe".to_owned() };
        let fixture = Self { home, folder, new, config, scope };
        if config == "root" {
            expect(&fixture.rucio()?.args(["scope", "add", &fixture.scope, "--account", "root"]).run()?, 0)?;
        }
        Ok(fixture)
    }

    fn did(&self, name: &str) -> String {
        format!("{}:{name}", self.scope)
    }

    fn rucio(&self) -> Result<Rucio> {
        self.rucio_as(self.config)
    }

    fn rucio_as(&self, config: &str) -> Result<Rucio> {
        let proxy = Home::certificate("root.proxy.pem")?;
        let path = format!("{}/bin:/usr/bin:/bin", Testbed::get()?.value("DIR")?);
        let rucio = self.home.ours().config(config)?.folder(&self.folder).env("PATH", &path);
        Ok(rucio.env("X509_USER_PROXY", &proxy.to_string_lossy()))
    }

    /// Uploads to this RSE, with the legacy command, whose exit codes are more specific.
    fn upload(&self, rse: &str, words: &[&str]) -> Result<Outcome> {
        let words = [&["--legacy", "upload", "--rse", rse, "--scope", &self.scope], words].concat();
        self.rucio()?.args(words).run()
    }

    /// Creates a file with a unique name in the folder. Returns the name.
    fn file(&self, bytes: &[u8]) -> Result<String> {
        fs::write(self.folder.join(&self.new), bytes)?;
        Ok(self.new.clone())
    }

    /// What our client answers, as JSON.
    fn ask(&self, words: &[&str]) -> Result<Value> {
        let outcome = self.rucio()?.args(["-o", "json"]).args(words).run()?;
        expect(&outcome, 0)?;
        Ok(serde_json::from_str(&outcome.stdout)?)
    }

    /// The state of the replica of a file at an RSE.
    fn state(&self, name: &str, rse: &str) -> Result<String> {
        let rows = self.ask(&["replica", "list", "file", "--all-states", &self.did(name)])?;
        let mut rows = rows.as_array().into_iter().flatten().filter(|row| row["rse"] == rse);
        Ok(rows.next().and_then(|row| row["state"].as_str()).unwrap_or("none").to_owned())
    }
}

fn expect(outcome: &Outcome, code: i32) -> Result<()> {
    ensure!(outcome.code == code, "{} instead of {code}\n{}\n{}", outcome.code, outcome.stdout, outcome.stderr);
    Ok(())
}

fn storage(place: &str) -> Result<PathBuf> {
    Ok(Path::new(Testbed::get()?.value("STORAGE")?).join(place))
}

/// The files below a folder whose names begin so.
fn found(folder: &Path, beginning: &str) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    // Other tests make and remove files meanwhile.
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match path.is_dir() {
            true => files.extend(found(&path, beginning)?),
            false if entry.file_name().to_string_lossy().starts_with(beginning) => files.push(path),
            false => {}
        }
    }
    files.sort();
    Ok(files)
}

/// The one file of this name at a storage, and no other that begins so.
fn stored(place: &str, name: &str) -> Result<PathBuf> {
    let files = found(&storage(place)?, name)?;
    ensure!(files.len() == 1 && files[0].ends_with(name), "{files:?}");
    files.into_iter().next().context("no file")
}

#[test]
fn upload_round_trips_by_every_protocol() -> Result<()> {
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
    let places = [
        ("POSIX_SCRATCHDISK", "scratch"),
        ("DAVS_SCRATCHDISK", "davs/scratch"),
        ("XRD_SCRATCHDISK", "xrootd/scratch"),
        ("GSI_SCRATCHDISK", "xrdgsi/scratch"),
        ("SSH", "scp"),
        ("MULTI", "multi"),
        ("XRDHTTP", "xrootd/http"),
        ("XRDHTTP_NOSUM", "xrdpool/http"),
        ("XRDHTTP_DOOR", "xrdpool/door"),
    ];
    for (rse, place) in places {
        let fixture = Fixture::new("root")?;
        let name = fixture.file(&bytes)?;
        expect(&fixture.upload(rse, &[&name])?, 0)?;
        ensure!(fs::read(stored(place, &name)?)? == bytes, "{rse}");
        ensure!(fixture.state(&name, rse)? == "AVAILABLE", "{rse}: {}", fixture.state(&name, rse)?);
    }
    let fixture = Fixture::new("root")?;
    let name = fixture.file(&bytes)?;
    expect(&fixture.upload("S3", &[&name])?, 0)?;
    fs::remove_file(fixture.folder.join(&name))?;
    let signed = fixture.rucio()?.args(["download", &fixture.did(&name)]).run()?;
    expect(&signed, 0)?;
    ensure!(fs::read(fixture.folder.join(&fixture.scope).join(&name))? == bytes);
    Ok(())
}

#[test]
fn upload_summary_and_trace_are_those_of_the_official_client() -> Result<()> {
    let summary = |fixture: &Fixture, client: Rucio| -> Result<(String, Vec<String>)> {
        // No other file has this size.
        let size = 100_000 + usize::try_from(UNIX_EPOCH.elapsed()?.as_micros() % 900_000)?;
        let name = fixture.file(&vec![b'x'; size])?;
        let guid = "0123456789abcdef0123456789abcdef";
        let words =
            ["upload", "--rse", "POSIX_SCRATCHDISK", "--scope", &fixture.scope, "--summary", "--guid", guid, &name];
        expect(&client.args(words).run()?, 0)?;
        let text = fs::read_to_string(fixture.folder.join("rucio_upload.json"))?;
        let path = stored("scratch", &name)?;
        ensure!(text.contains(&format!("file://localhost{}", path.display())), "{text}");
        let text = text.replace(&path.to_string_lossy().into_owned(), "PATH").replace(&name, "NAME");
        let lines = text.lines().filter(|line| !["adler32", "bytes", "md5"].iter().any(|field| line.contains(field)));
        Ok((lines.collect::<Vec<_>>().join("\n"), trace(size)?))
    };
    let ours = Fixture::new("root")?;
    let ours = summary(&ours, ours.rucio()?)?;
    let theirs = Fixture::new("root")?;
    let official = theirs.home.official()?.config("root")?.folder(&theirs.folder);
    ensure!(ours == summary(&theirs, official)?, "{ours:?}");
    Ok(())
}

/// The names of the fields of the trace of a file of this size, in their order. Traces of uploads do not name
/// the file.
fn trace(size: usize) -> Result<Vec<String>> {
    let log = Path::new(Testbed::get()?.value("LOGS")?).join("traces.jsonl");
    wait_for("a trace of an upload", || {
        let text = fs::read_to_string(&log)?;
        let is_it = |line: &&str| line.contains("\"upload\"") && line.contains(&format!("\"filesize\": {size},"));
        let Some(line) = text.lines().rev().find(is_it) else { return Ok(None) };
        let fields: serde_json::Map<String, Value> = serde_json::from_str(line)?;
        Ok(Some(fields.keys().cloned().collect()))
    })
}

#[test]
fn upload_second_run_does_only_what_is_missing() -> Result<()> {
    let fixture = Fixture::new("root")?;
    let (rse, dataset) = ("POSIX_SCRATCHDISK", fixture.did(&format!("{}.ds", fixture.new)));
    let names: Vec<_> = (0..30).map(|number| format!("{}.{number:02}", fixture.new)).collect();
    names.iter().try_for_each(|name| fs::write(fixture.folder.join(name), name))?;
    let first: Vec<_> = names.iter().take(20).map(String::as_str).collect();
    expect(&fixture.upload(rse, &[&[dataset.as_str()], first.as_slice()].concat())?, 0)?;
    let changed = |name: &str| anyhow::Ok(stored("scratch", name)?.metadata()?.modified()?);
    let before = names[..20].iter().map(|name| changed(name)).collect::<Result<Vec<_>>>()?;
    // Of two files the catalogue or the dataset knows nothing any more, as after an interruption.
    let detached = fixture.did(&names[0]);
    expect(&fixture.rucio()?.args(["detach", &dataset, &detached]).run()?, 0)?;
    expect(&fixture.upload(rse, &["--no-register", &names[20]])?, 0)?;
    let dark = changed(&names[20])?;
    let all: Vec<_> = names.iter().map(String::as_str).collect();
    let second = fixture.upload(rse, &[&["--register-after-upload", dataset.as_str()], all.as_slice()].concat())?;
    expect(&second, 80)?;
    ensure!(second.stderr.contains("11 of 30 file(s) uploaded, 19 there already, 0 failed."), "{}", second.stderr);
    ensure!(names[..20].iter().map(|name| changed(name)).collect::<Result<Vec<_>>>()? == before, "written again");
    ensure!(changed(&names[20])? == dark, "what lay complete at the storage was written again");
    let content = fixture.ask(&["did", "content", "list", &dataset])?;
    ensure!(content.as_array().is_some_and(|rows| rows.len() == 30), "{content}");
    let third = fixture.upload(rse, &[&[dataset.as_str()], all.as_slice()].concat())?;
    expect(&third, 79)?;
    ensure!(third.stderr.contains("0 of 30 file(s) uploaded, 30 there already, 0 failed."), "{}", third.stderr);
    Ok(())
}

/// jdoe may not declare replicas available: the file is there, its replica is not. Then root does the same.
#[test]
fn upload_that_broke_off_is_completed_without_sending_the_file_again() -> Result<()> {
    let mut fixture = Fixture::new("userpass")?;
    let name = fixture.file(b"hello")?;
    let broken = fixture.upload("POSIX_SCRATCHDISK", &[&name])?;
    expect(&broken, 79)?;
    ensure!(broken.stderr.contains("--register-after-upload"), "{}", broken.stderr);
    ensure!(fixture.state(&name, "POSIX_SCRATCHDISK")? == "COPYING");
    let before = stored("scratch", &name)?.metadata()?.modified()?;
    fixture.config = "root";
    let completed = fixture.upload("POSIX_SCRATCHDISK", &[&name])?;
    expect(&completed, 0)?;
    ensure!(completed.stderr.contains("is already complete at the RSE"), "{}", completed.stderr);
    ensure!(fixture.state(&name, "POSIX_SCRATCHDISK")? == "AVAILABLE");
    ensure!(stored("scratch", &name)?.metadata()?.modified()? == before, "written again");
    Ok(())
}

#[test]
fn upload_leaves_and_reports_another_file_in_its_place() -> Result<()> {
    let fixture = Fixture::new("root")?;
    let name = fixture.file(b"another file")?;
    expect(&fixture.upload("DAVS_SCRATCHDISK", &["--no-register", &name])?, 0)?;
    fixture.file(b"mine instead")?;
    let refused = fixture.upload("DAVS_SCRATCHDISK", &[&name])?;
    expect(&refused, 79)?;
    ensure!(refused.stderr.contains("another file lies there already"), "{}", refused.stderr);
    ensure!(fs::read(stored("davs/scratch", &name)?)? == b"another file");
    ensure!(fixture.state(&name, "DAVS_SCRATCHDISK")? == "COPYING");
    Ok(())
}

#[test]
fn upload_records_tell_how_each_file_ended() -> Result<()> {
    let fixture = Fixture::new("root")?;
    let name = fixture.file(b"Wikipedia")?;
    fs::write(fixture.folder.join("other"), b"x")?;
    // The same name twice: the second one is another file.
    let folder = fixture.folder.join("twin");
    fs::create_dir(&folder)?;
    fs::write(folder.join(&name), b"not the same")?;
    let twin = format!("twin/{name}");
    let words = ["-o", "json", "upload", "--rse", "POSIX_SCRATCHDISK", "--scope", &fixture.scope, &name, &twin];
    let outcome = fixture.rucio()?.args(words).run()?;
    expect(&outcome, 1)?;
    let events: Vec<Value> = serde_json::from_str(&outcome.stdout)?;
    let rows: Vec<_> =
        events.iter().filter(|event| ["done", "failed"].map(Value::from).contains(&event["event"])).collect();
    ensure!(rows.len() == 2 && rows[0]["state"] == "DONE" && rows[0]["adler32"] == "11e60398", "{rows:?}");
    ensure!(rows[1]["state"] == "FAILED" && rows[1]["reason"].to_string().contains("is another file"), "{rows:?}");
    ensure!(fs::read(stored("scratch", &name)?)? == b"Wikipedia");
    Ok(())
}

#[test]
fn upload_of_a_pool_file_needs_the_program_that_reads_its_guid() -> Result<()> {
    let fixture = Fixture::new("root")?;
    let name = format!("{}.pool.root", fixture.new);
    fs::write(fixture.folder.join(&name), b"x")?;
    let refused = fixture.upload("POSIX_SCRATCHDISK", &[&name])?;
    expect(&refused, 1)?;
    ensure!(refused.stderr.contains("--guid"), "{}", refused.stderr);
    ensure!(found(&storage("scratch")?, &name)?.is_empty());
    let bin = fixture.home.path().join("bin");
    fs::create_dir(&bin)?;
    let program = bin.join("pool_extractFileIdentifier");
    fs::write(&program, "#!/bin/sh\necho reading\necho 0123ABCD-4567-89AB-CDEF-0123456789AB $1\n")?;
    fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let words = ["upload", "--rse", "POSIX_SCRATCHDISK", "--scope", &fixture.scope, &name];
    let path = format!("{}:/usr/bin:/bin", bin.display());
    expect(&fixture.rucio()?.env("PATH", &path).args(words).run()?, 0)?;
    let known = fixture.ask(&["did", "metadata", "list", &fixture.did(&name)])?;
    ensure!(known.to_string().contains("0123abcd456789abcdef0123456789ab"), "{known}");
    Ok(())
}
