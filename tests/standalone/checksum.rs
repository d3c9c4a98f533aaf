//! `rucio checksum`: without a configuration, many files, a bad one, a pipe.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::expect;
use crate::fixtures::Home;

const FOX: &str = "The quick brown fox jumps over the lazy dog";
const FOX_SUMS: &str = "5bdc0fda 9e107d9d372bb6826bd81d3542a419d6 43";
const NOTHING_SUMS: &str = "00000001 d41d8cd98f00b204e9800998ecf8427e 0";

#[test]
fn checksum_of_many_files_keeps_their_order_and_skips_a_bad_one() -> Result<()> {
    let home = Home::new()?;
    for (name, text) in [("a fox", FOX), ("nothing", "")] {
        fs::write(home.path().join(name), text)?;
    }
    let checksum = |words: &[&str]| home.ours().folder(home.path()).args(["checksum"]).args(words).run();
    let good = checksum(&["nothing", "a fox", "nothing"])?;
    expect(&good, 0)?;
    let lines = format!("{NOTHING_SUMS} nothing\n{FOX_SUMS} a fox\n{NOTHING_SUMS} nothing\n");
    ensure!(good.stdout == lines && good.stderr.is_empty(), "{good:?}");
    let bad = checksum(&["a fox", "none", ".", "nothing", "-o", "json"])?;
    expect(&bad, 1)?;
    let records: Value = serde_json::from_str(&bad.stdout)?;
    let fox = json!({"path": "a fox", "bytes": 43, "adler32": "5bdc0fda", "md5": "9e107d9d372bb6826bd81d3542a419d6"});
    ensure!(records[0] == fox && records[1]["path"] == "nothing" && records[2].is_null(), "{records}");
    for part in ["Cannot read none: No such file", "Cannot read .: Is a directory", "2 of 4 file(s)"] {
        ensure!(bad.stderr.contains(part), "no {part:?} in {}", bad.stderr);
    }
    ensure!(checksum(&[])?.code == 2);
    Ok(())
}

#[test]
fn checksum_reads_a_pipe_to_its_end() -> Result<()> {
    let home = Home::new()?;
    let mut command = home.ours().args(["checksum", "-"]).command()?;
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut input = child.stdin.take().context("no input")?;
    for piece in FOX.as_bytes().chunks(7) {
        input.write_all(piece)?;
        input.flush()?;
    }
    drop(input);
    let output = child.wait_with_output()?;
    ensure!(output.status.success() && output.stdout == format!("{FOX_SUMS} -\n").into_bytes(), "{output:?}");
    Ok(())
}
