//! What stands already where a file is to be written. (Full and read-only disks, which root mounts, are in `tests/faults`.)

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::fixtures::download::{ended, files, verdict};

#[test]
fn name_that_cannot_be_written_is_reported_before_any_request() -> Result<()> {
    let long = "n".repeat(256);
    let (world, store) = files(&[("folder", 1000), (&long, 1000), ("fine", 1000)])?;
    fs::create_dir_all(world.place("folder").join("with-something"))?;
    let outcome = world.download(&[])?;
    ended(&outcome, 76)?;
    for (name, reason) in [(long.as_str(), "File name too long"), ("folder", "it is a folder")] {
        let verdict = verdict(&outcome, name).with_context(|| outcome.stderr.clone())?;
        ensure!(verdict.contains(reason), "{verdict}");
        ensure!(store.asked(name).is_empty(), "{name}");
    }
    world.arrived("fine")?;
    ensure!(world.names()? == ["fine", "folder"], "{:?}", world.names()?);
    Ok(())
}

/// A `.part` of another program stays unchanged.
#[test]
fn leftover_of_the_official_client_is_not_touched() -> Result<()> {
    let (world, _store) = files(&[("f", 100_000)])?;
    let left = world.place("f.part");
    fs::create_dir_all(left.parent().unwrap_or(Path::new("/")))?;
    fs::write(&left, b"half")?;
    ended(&world.download(&[])?, 0)?;
    world.arrived("f")?;
    ensure!(fs::read(&left)? == b"half" && world.names()? == ["f", "f.part"], "{:?}", world.names()?);
    Ok(())
}

/// `ulimit -f`: the system would end the process in the middle of a file.
#[test]
fn file_beyond_the_size_limit_of_the_process_fails_alone() -> Result<()> {
    let (world, _store) = files(&[("large", 3_000_000), ("fine", 1000)])?;
    let outcome = world.rucio(&[])?.started_by(&["/usr/bin/prlimit", "--fsize=1000000"]).run()?;
    ended(&outcome, 76)?;
    let verdict = verdict(&outcome, "large").with_context(|| outcome.stderr.clone())?;
    ensure!(verdict.contains("cannot write") && verdict.contains("ulimit -f"), "{verdict}");
    world.arrived("fine")?;
    ensure!(world.names()? == ["fine"], "{:?}", world.names()?);
    Ok(())
}

/// File systems without locks (Lustre without the option, some NFS) refuse `flock`; a library in front of the system call
/// does the same.
#[test]
fn file_system_without_locks_keeps_no_empty_partial_files() -> Result<()> {
    let (world, _store) = files(&[("f", 100_000), ("g", 0)])?;
    let (source, library) = (world.home.path().join("flock.c"), world.home.path().join("flock.so"));
    fs::write(&source, "#include <errno.h>\nint flock(int f, int o) { errno = ENOSYS; return -1; }\n")?;
    let compiled = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).status();
    ensure!(compiled.context("no C compiler (tests/prerequisites)")?.success());
    let outcome = world.rucio(&[])?.env("LD_PRELOAD", &library.to_string_lossy()).run()?;
    ended(&outcome, 0)?;
    world.arrived("f")?;
    ensure!(world.names()? == ["f", "g"], "{:?}", world.names()?);
    Ok(())
}
