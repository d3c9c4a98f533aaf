//! Replays the corpus of the fuzzers, `fuzz/corpus/<target>.tar.gz`, through the functions that they run, so that a fault
//! which was found once is found again.

#[expect(unreachable_pub, reason = "the fuzz targets are another package and use it as a library")]
#[path = "../../../fuzz/src/lib.rs"]
mod promises;

use std::fs::File;
use std::io::{Read, Write};
use std::panic::catch_unwind;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use crate::support::project;

fn replay(target: &str, promise: fn(&[u8])) -> Result<()> {
    let archive = project().join(format!("fuzz/corpus/{target}.tar.gz"));
    for (name, data) in read_inputs(&archive)? {
        ensure!(catch_unwind(|| promise(&data)).is_ok(), "{name} in {} breaks a promise", archive.display());
    }
    Ok(())
}

/// Names and contents of the files in a `.tar.gz` archive: at least one.
fn read_inputs(archive: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let context = || format!("reading {}", archive.display());
    let mut tar = Vec::new();
    // To the end, where the checksum is: an archive that was cut short is an error.
    GzDecoder::new(File::open(archive).with_context(context)?).read_to_end(&mut tar).with_context(context)?;
    let mut inputs = Vec::new();
    for entry in tar::Archive::new(tar.as_slice()).entries()? {
        let mut entry = entry.with_context(context)?;
        let mut data = Vec::new();
        entry.read_to_end(&mut data)?;
        inputs.push((entry.path()?.display().to_string(), data));
    }
    ensure!(!inputs.is_empty(), "{} has no inputs", archive.display());
    Ok(inputs)
}

#[test]
fn corpus_of_configuration_files() -> Result<()> {
    replay("config", promises::config)
}

#[test]
fn corpus_of_json_streams() -> Result<()> {
    replay("json_stream", promises::json_stream)
}

#[test]
fn corpus_of_metalink_documents() -> Result<()> {
    replay("metalink", promises::metalink)
}

#[test]
fn corpus_of_range_responses() -> Result<()> {
    replay("range_answers", promises::range_answers)
}

#[test]
fn corpus_of_xrootd_responses() -> Result<()> {
    replay("xrootd", promises::xrootd)
}

#[test]
fn corpus_of_dids() -> Result<()> {
    replay("did", promises::did)
}

#[test]
fn corpus_replay_fails_when_a_property_is_broken() {
    let outcome = replay("did", |data| assert!(data.is_empty(), "a promise that no input keeps"));
    assert!(outcome.is_err_and(|error| error.to_string().contains("breaks a promise")));
}

#[test]
fn corpus_replay_fails_without_archive() {
    let error = replay("no_such_target", |_| ()).expect_err("a missing archive");
    assert!(error.to_string().contains("no_such_target.tar.gz"), "{error:#}");
}

#[test]
fn corpus_replay_fails_when_the_archive_is_empty_or_cut_short() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let archive = folder.path().join("empty.tar.gz");
    let mut gz = GzEncoder::new(File::create(&archive)?, Compression::default());
    gz.write_all(&tar::Builder::new(Vec::new()).into_inner()?)?;
    gz.finish()?;
    let error = read_inputs(&archive).expect_err("an empty archive");
    assert!(error.to_string().contains("has no inputs"), "{error:#}");

    let whole = std::fs::read(project().join("fuzz/corpus/did.tar.gz"))?;
    std::fs::write(&archive, &whole[..whole.len() - 4])?;
    let error = read_inputs(&archive).expect_err("an archive that was cut short");
    assert!(error.to_string().contains("reading"), "{error:#}");
    Ok(())
}

#[test]
fn corpus_exists_for_each_fuzz_target() -> Result<()> {
    for target in project().join("fuzz/fuzz_targets").read_dir()? {
        let archive =
            project().join("fuzz/corpus").join(target?.path().with_extension("tar.gz").file_name().context("a name")?);
        read_inputs(&archive)?;
    }
    Ok(())
}
