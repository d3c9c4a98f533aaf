//! Faults of disks and folders. File systems are mounted in a mount namespace of the program, invisible to others.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::fixtures::USER;
use crate::fixtures::download::{DownloadFixture, bytes, ended, files, verdict};
use crate::fixtures::store::Store;
use crate::support::{Outcome, Rucio};

/// Downloads into a file system that this shell line mounts; its content afterwards is copied into `here`.
fn download_on(world: &DownloadFixture, mount: &str) -> Result<Outcome> {
    let program = Rucio::path();
    let (document, root) = (world.document()?, world.home.path());
    let get = format!("{program} get --metalink {} --dir disk", document.display());
    let script = format!("mkdir disk && {mount} && {{ {get}; code=$?; cp -a disk/. here/; exit $code; }}");
    let shell = Rucio::program("unshare").args(["--mount", "sh", "-c", &script]).folder(root).home(root);
    shell.env("RUCIO_CONFIG", &world.config()).env("LOGNAME", USER).run()
}

#[test]
fn disk_that_is_full_fails_only_what_does_not_fit() -> Result<()> {
    let (world, store) = files(&[("large", 6_000_000), ("small", 100_000), ("other", 200_000)])?;
    let outcome = download_on(&world, "mount -t tmpfs -o size=3m none disk")?;
    ended(&outcome, 76)?;
    let verdict = verdict(&outcome, "large").with_context(|| outcome.stderr.clone())?;
    ensure!(verdict.contains("No space left on device") && verdict.contains("disk/faults/large"), "{verdict}");
    // Another attempt or source would find the disk as full.
    ensure!(store.asked("large").len() == 1);
    world.arrived("small")?;
    world.arrived("other")?;
    ensure!(world.names()? == ["other", "small"], "{:?}", world.names()?);
    Ok(())
}

#[test]
fn disk_that_is_read_only_is_reported_and_not_retried() -> Result<()> {
    let (world, store) = files(&[("f", 100_000)])?;
    let outcome = download_on(&world, "mount -t tmpfs -o ro none disk")?;
    ended(&outcome, 75)?;
    let verdict = verdict(&outcome, "f").with_context(|| outcome.stderr.clone())?;
    ensure!(verdict.contains("Read-only file system") && verdict.contains("faults/f"), "{verdict}");
    ensure!(store.asked("f").is_empty());
    // The folders exist.
    let (world, store) = files(&[("f", 100_000)])?;
    let outcome = download_on(&world, "mount -t tmpfs none disk && mkdir disk/faults && mount -o remount,ro disk")?;
    ended(&outcome, 75)?;
    ensure!(outcome.stderr.contains("Read-only file system"), "{}", outcome.stderr);
    ensure!(world.names()?.is_empty());
    ensure!(store.asked("f").len() <= 1);
    Ok(())
}

/// Missing ranges use no disk space until they are received.
#[test]
fn disk_that_is_full_ends_a_file_with_several_ranges() -> Result<()> {
    let content = bytes(0, 12_000_000);
    // One connection brings 4 MB/s.
    let store = Store::good(HashMap::from([("f".to_owned(), content.clone())]), Duration::from_millis(15))?;
    let mut world = DownloadFixture::new()?;
    world.file("f", &content, &[&store.pfn("f")]);
    let outcome = download_on(&world, "mount -t tmpfs -o size=8m none disk")?;
    ended(&outcome, 75)?;
    let verdict = verdict(&outcome, "f").with_context(|| outcome.stderr.clone())?;
    ensure!(verdict.contains("No space left on device") && verdict.contains("disk/faults/f"), "{verdict}");
    ensure!(world.names()?.is_empty(), "{:?}", world.names()?);
    Ok(())
}
