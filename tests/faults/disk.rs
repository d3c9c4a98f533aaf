//! What disks and folders do. File systems are mounted where nobody else sees them: in a mount namespace of the program.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::fixture::{DownloadFixture, bytes};
use super::store::Store;
use super::{ended, verdict};
use crate::support::{Outcome, Rucio, var};

/// Downloads into a file system that is mounted by this line of shell; what stands there afterwards is copied into `here`.
pub(super) fn download_on(world: &DownloadFixture, mount: &str) -> Result<Outcome> {
    let program = var("RUCIO_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_rucio").to_owned());
    let (document, root) = (world.document()?, world.home.path());
    let get = format!("{program} get --metalink {} --dir disk", document.display());
    let script = format!("mkdir disk && {mount} && {{ {get}; code=$?; cp -a disk/. here/; exit $code; }}");
    let config = crate::support::Testbed::get()?.config("userpass")?;
    let shell = Rucio::program("unshare").args(["--mount", "sh", "-c", &script]).folder(root).home(root);
    shell.env("RUCIO_CONFIG", &config.to_string_lossy()).env("LOGNAME", crate::fixtures::USER).run()
}

fn files(sizes: &[(&str, usize)]) -> Result<(DownloadFixture, Store)> {
    let contents: HashMap<_, _> =
        sizes.iter().enumerate().map(|(seed, (name, size))| ((*name).to_owned(), bytes(seed, *size))).collect();
    let store = Store::good(contents.clone(), Duration::ZERO)?;
    let mut world = DownloadFixture::new()?;
    for (name, _) in sizes {
        world.file(name, &contents[*name], &[&store.pfn(name)]);
    }
    Ok((world, store))
}

#[test]
fn a_full_disk_fails_what_does_not_fit_and_nothing_else() -> Result<()> {
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
fn a_read_only_folder_is_told_and_not_tried_again() -> Result<()> {
    let (world, store) = files(&[("f", 100_000)])?;
    let outcome = download_on(&world, "mount -t tmpfs -o ro none disk")?;
    ended(&outcome, 75)?;
    let verdict = verdict(&outcome, "f").with_context(|| outcome.stderr.clone())?;
    ensure!(verdict.contains("Read-only file system") && verdict.contains("faults/f"), "{verdict}");
    ensure!(store.asked("f").is_empty());
    // The folders are there already.
    let (world, store) = files(&[("f", 100_000)])?;
    let outcome = download_on(&world, "mount -t tmpfs none disk && mkdir disk/faults && mount -o remount,ro disk")?;
    ended(&outcome, 75)?;
    ensure!(outcome.stderr.contains("Read-only file system"), "{}", outcome.stderr);
    ensure!(world.names()?.is_empty() && store.asked("f").len() <= 1);
    Ok(())
}

#[test]
fn a_name_that_cannot_be_written_is_told_before_anything_is_fetched() -> Result<()> {
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

/// Somebody else's `.part` is not ours to touch.
#[test]
fn what_the_official_client_left_is_not_touched() -> Result<()> {
    let (world, _store) = files(&[("f", 100_000)])?;
    let left = world.place("f.part");
    fs::create_dir_all(left.parent().unwrap_or(Path::new("/")))?;
    fs::write(&left, b"half")?;
    ended(&world.download(&[])?, 0)?;
    world.arrived("f")?;
    ensure!(fs::read(&left)? == b"half" && world.names()? == ["f", "f.part"], "{:?}", world.names()?);
    Ok(())
}
