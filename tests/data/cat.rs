//! `rucio cat`: the bytes of files, and the errors for wrong ones.

use std::io::Read;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};

use super::expect;
use super::fixture::Fixture;
use crate::fixtures::grid::{GridFile, GridFiles};

#[test]
fn cat_writes_files_in_order_and_nothing_else() -> Result<()> {
    let fixture = Fixture::new()?;
    for files in GridFiles::everywhere()? {
        let all = [&files.medium, &files.empty, &files.small];
        let output = fixture.command(&["cat"])?.args(all.map(GridFile::did)).output()?;
        let expected: Vec<u8> = all.into_iter().flat_map(|file| file.content.clone()).collect();
        ensure!(output.status.success(), "{}: {}", files.rse, String::from_utf8_lossy(&output.stderr));
        ensure!(output.stdout == expected, "{}: {} bytes, not {}", files.rse, output.stdout.len(), expected.len());
        ensure!(output.stderr.is_empty(), "{}: {}", files.rse, String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

#[test]
fn cat_of_wrong_bytes_fails() -> Result<()> {
    let fixture = Fixture::new()?;
    for files in GridFiles::everywhere()? {
        let output = fixture.command(&["cat", &files.wrong.did()])?.output()?;
        let stderr = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.code() == Some(1) && output.stdout.len() == 100_000, "{}: {stderr}", files.rse);
        ensure!(stderr.contains(&format!("What was written is not {}", files.wrong.did())), "{stderr}");
        let gone = fixture.run(&["cat", &files.missing.did()])?;
        expect(&gone, 1)?;
        let why = if files.rse == "DAVS_SCRATCHDISK" { "the storage answered 404" } else { "root: [3011]" };
        let why = format!("{}: {}: {why}", files.missing.did(), files.rse);
        ensure!(gone.stdout.is_empty() && gone.stderr.contains(&why), "{why}: {gone:?}");
    }
    // If one storage has no bytes, the next one is read.
    let output = fixture.command(&["cat", "--rses", "DAVS|POSIX", "test:missing2.dat"])?.output()?;
    ensure!(output.status.success() && output.stdout.len() == 100_000, "{}", String::from_utf8_lossy(&output.stderr));
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
    for files in GridFiles::everywhere()? {
        let mut command = fixture.command(&["cat", &files.large.did()])?;
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let mut output = child.stdout.take().context("no output")?;
        let mut first = [0; 1000];
        output.read_exact(&mut first)?;
        drop(output);
        let mut stderr = String::new();
        child.stderr.take().context("no errors")?.read_to_string(&mut stderr)?;
        ensure!(child.wait()?.success() && stderr.is_empty(), "{}: {stderr}", files.rse);
        ensure!(files.large.content.starts_with(&first), "{}", files.rse);
    }
    Ok(())
}
