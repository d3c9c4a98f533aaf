//! `rucio cat`: the bytes of files, and the errors for wrong ones.

use std::fs;
use std::io::Read;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};

use super::expect;
use super::fixture::Fixture;

#[test]
fn cat_writes_files_in_order_and_nothing_else() -> Result<()> {
    let fixture = Fixture::new()?;
    expect(&fixture.run(&["download", "--no-subdir", "test:davsfile", "test:mixed-04.dat", "test:empty.dat"])?, 0)?;
    let names = ["mixed-04.dat", "empty.dat", "davsfile-0.dat", "davsfile-5.dat"];
    let dids: Vec<_> = names.iter().map(|name| format!("test:{name}")).collect();
    let output = fixture.command(&["cat"])?.args(&dids).output()?;
    let mut expected = Vec::new();
    for name in names {
        expected.extend(fs::read(fixture.path(name))?);
    }
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    ensure!(output.stdout == expected, "{} bytes instead of {}", output.stdout.len(), expected.len());
    ensure!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

#[test]
fn cat_of_wrong_bytes_fails() -> Result<()> {
    let fixture = Fixture::new()?;
    let output = fixture.command(&["cat", "--rses", "DAVS", "test:rotten.dat"])?.output()?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.code() == Some(1) && output.stdout.len() == 100_000, "{stderr}");
    ensure!(stderr.contains("What was written is not test:rotten.dat"), "{stderr}");
    // If one storage has no bytes, the next one is read.
    let output = fixture.command(&["cat", "--rses", "DAVS|POSIX", "test:missing2.dat"])?.output()?;
    ensure!(output.status.success() && output.stdout.len() == 100_000, "{}", String::from_utf8_lossy(&output.stderr));
    let gone = fixture.run(&["cat", "test:gone.dat"])?;
    expect(&gone, 1)?;
    ensure!(
        gone.stdout.is_empty() && gone.stderr.contains("test:gone.dat: DAVS: the storage answered 404"),
        "{gone:?}"
    );
    Ok(())
}

#[test]
fn cat_of_anything_but_a_file_is_refused_with_a_hint() -> Result<()> {
    let fixture = Fixture::new()?;
    let dataset = fixture.run(&["cat", "test:davsfile"])?;
    expect(&dataset, 1)?;
    ensure!(dataset.stderr.contains("test:davsfile is a dataset"), "{}", dataset.stderr);
    ensure!(dataset.stderr.contains("rucio did content list test:davsfile"), "{}", dataset.stderr);
    expect(&fixture.run(&["cat", "test:nosuch.dat"])?, 1)?;
    let nowhere = fixture.run(&["cat", "--rses", "POSIX", "test:one-davs.dat"])?;
    expect(&nowhere, 1)?;
    ensure!(nowhere.stderr.contains("has no replica that can be read"), "{}", nowhere.stderr);
    Ok(())
}

#[test]
fn cat_ends_quietly_when_the_reader_has_enough() -> Result<()> {
    let fixture = Fixture::new()?;
    let mut child = fixture.command(&["cat", "bench:2g.dat"])?.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut output = child.stdout.take().context("no output")?;
    let mut first = [0; 1000];
    output.read_exact(&mut first)?;
    drop(output);
    let mut stderr = String::new();
    child.stderr.take().context("no errors")?.read_to_string(&mut stderr)?;
    ensure!(child.wait()?.success() && stderr.is_empty(), "{stderr}");
    Ok(())
}
