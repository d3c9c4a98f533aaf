//! `rucio partial`: the partial files of unfinished downloads.

use std::fs::{self, File};

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::expect;
use crate::fixtures::Home;

const IDLE: &str = ".a.root.0a1b2c3d.rucio-part";
const BUSY: &str = ".b.root.0a1b2c3d.rucio-part";

/// A folder with a partial file, one that a process holds, and a complete file.
fn home() -> Result<(Home, File)> {
    let home = Home::new()?;
    let folder = home.path().join("data/test");
    fs::create_dir_all(&folder)?;
    for (name, bytes) in [(IDLE, 3_000_000), (BUSY, 10), ("c.root", 10)] {
        fs::write(folder.join(name), vec![b'x'; bytes])?;
    }
    let writer = File::open(folder.join(BUSY))?;
    writer.lock()?;
    Ok((home, writer))
}

fn names(home: &Home) -> Result<Vec<String>> {
    let entries = fs::read_dir(home.path().join("data/test"))?;
    let mut names =
        entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect::<Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

#[test]
fn partial_list_shows_files_sizes_and_use() -> Result<()> {
    let (home, _writer) = home()?;
    let data = home.path().join("data").to_string_lossy().into_owned();
    let outcome = home.ours().args(["partial", "list", &data]).run()?;
    expect(&outcome, 0)?;
    let lines: Vec<_> = outcome.stdout.lines().collect();
    ensure!(lines.len() == 4 && lines[0].starts_with("FILE "), "{}", outcome.stdout);
    ensure!(
        lines[2].contains("/test/a.root ") && lines[2].contains("3.000 MB") && lines[2].ends_with("idle"),
        "{lines:?}"
    );
    ensure!(lines[3].contains("/test/b.root ") && lines[3].ends_with("in use"), "{lines:?}");
    let record: Value =
        serde_json::from_str(&home.ours().args(["partial", "list", &data, "-o", "json"]).run()?.stdout)?;
    ensure!(record[0]["bytes"] == 3_000_000 && record[1]["state"] == "in use", "{record}");
    Ok(())
}

#[test]
fn partial_clean_removes_idle_files_only() -> Result<()> {
    let (home, _writer) = home()?;
    let data = home.path().join("data").to_string_lossy().into_owned();
    for words in [&["--dry-run"][..], &["--older-than", "1h"]] {
        expect(&home.ours().args(["partial", "clean", &data]).args(words).run()?, 0)?;
        ensure!(names(&home)? == [IDLE, BUSY, "c.root"], "{words:?}: {:?}", names(&home)?);
    }
    let outcome = home.ours().args(["partial", "clean", &data]).run()?;
    expect(&outcome, 0)?;
    ensure!(outcome.stdout.ends_with(&format!("/test/{IDLE}\n")), "{}", outcome.stdout);
    ensure!(
        outcome.stderr.contains("in use") && outcome.stderr.contains("3.000 MB were removed"),
        "{}",
        outcome.stderr
    );
    ensure!(names(&home)? == [BUSY, "c.root"], "{:?}", names(&home)?);
    Ok(())
}

#[test]
fn partial_needs_a_directory() -> Result<()> {
    let home = Home::new()?;
    let outcome = home.ours().args(["partial", "list", "nosuch"]).run()?;
    ensure!(outcome.code == 1 && outcome.stderr.contains("nosuch"), "{outcome:?}");
    ensure!(home.ours().args(["partial", "clean"]).run()?.code == 2);
    Ok(())
}
