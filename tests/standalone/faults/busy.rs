//! Busy storages that send `Retry-After`.

use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, ensure};

use crate::fixtures::clock::fast;
use crate::fixtures::download::{DownloadFixture, bytes};
use crate::fixtures::download::{ended, verdict};
use crate::fixtures::store::{Reply, Store};

fn content(name: &str) -> Vec<u8> {
    bytes(name.len(), 20_000)
}

/// A storage that rejects each file this many times before it sends it.
fn busy(times: usize, status: &'static str, headers: &'static str) -> Result<Store> {
    Store::start(move |asked, before| {
        if before < times { Reply::sized(status, headers, b"busy") } else { Reply::good(&content(&asked.file), asked) }
    })
}

const SECONDS: &str = "Retry-After: 1\r\n";
const DATE: &str = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nRetry-After: Sun, 06 Nov 1994 08:49:38 GMT\r\n";
const UNAVAILABLE: &str = "503 Service Unavailable";

/// The lines that say that a busy storage is waited for.
fn waits(stderr: &str) -> usize {
    stderr.lines().filter(|line| line.contains("is busy: retrying in")).count()
}

/// Downloads the only file from its only source, which refuses it so often.
fn download_alone(times: usize, status: &'static str, headers: &'static str) -> Result<()> {
    let store = busy(times, status, headers)?;
    let mut world = DownloadFixture::new()?;
    world.file("f", &content("f"), &[&store.pfn("f")]);
    let outcome = fast(world.rucio(&[])?)?.run()?;
    ended(&outcome, 0)?;
    world.arrived("f")?;
    ensure!(store.asked("f").len() == times + 1, "asked {} times\n{}", store.asked("f").len(), outcome.stderr);
    ensure!(waits(&outcome.stderr) == times, "{times} waits, but:\n{}", outcome.stderr);
    ensure!(!outcome.stderr.contains("attempt failed"), "an attempt was used up:\n{}", outcome.stderr);
    Ok(())
}

#[test]
fn busy_storage_that_names_seconds_is_asked_again() -> Result<()> {
    download_alone(2, UNAVAILABLE, SECONDS)
}

#[test]
fn busy_storage_that_names_a_date_is_asked_again() -> Result<()> {
    download_alone(2, UNAVAILABLE, DATE)
}

#[test]
fn busy_storage_that_answers_429_is_asked_again() -> Result<()> {
    download_alone(2, "429 Too Many Requests", SECONDS)
}

#[test]
fn busy_storage_may_refuse_more_often_than_there_are_attempts() -> Result<()> {
    download_alone(5, UNAVAILABLE, SECONDS)
}

/// StoRM, DPM and Dynafed answer so while a file is copied from tape to disk.
#[test]
fn busy_storage_that_stages_the_file_is_asked_until_it_comes() -> Result<()> {
    for headers in [SECONDS, DATE, ""] {
        let store = busy(4, "202 Accepted", headers)?;
        let mut world = DownloadFixture::new()?;
        world.file("f", &content("f"), &[&store.pfn("f")]);
        let outcome = fast(world.rucio(&[])?)?.run()?;
        ended(&outcome, 0)?;
        world.arrived("f")?;
        ensure!(store.asked("f").len() == 5, "asked {} times\n{}", store.asked("f").len(), outcome.stderr);
        ensure!(outcome.stderr.matches("is staging faults:f from tape").count() == 4, "{}", outcome.stderr);
        ensure!(!outcome.stderr.contains("attempt failed"), "an attempt was used up:\n{}", outcome.stderr);
    }
    Ok(())
}

#[test]
fn busy_storage_that_stages_for_longer_than_the_time_of_a_file_fails_it() -> Result<()> {
    let store = busy(99, "202 Accepted", "Retry-After: 40\r\n")?;
    let mut world = DownloadFixture::new()?;
    world.file("f", &content("f"), &[&store.pfn("f")]);
    let outcome = fast(world.rucio(&["--transfer-timeout", "100"])?)?.run()?;
    ended(&outcome, 75)?;
    let verdict = verdict(&outcome, "f").with_context(|| outcome.stderr.clone())?;
    ensure!(verdict.contains("staging the file (202 Accepted)"), "{verdict}");
    ensure!(store.asked("f").len() == 3, "asked {} times", store.asked("f").len());
    Ok(())
}

#[test]
fn busy_storage_is_asked_again_after_its_other_replicas_failed() -> Result<()> {
    let (store, missing) =
        (busy(3, UNAVAILABLE, SECONDS)?, Store::start(|_, _| Reply::sized("404 Not Found", "", b""))?);
    let mut world = DownloadFixture::new()?;
    world.file("f", &content("f"), &[&store.pfn("f"), &missing.pfn("f")]);
    let outcome = fast(world.rucio(&[])?)?.run()?;
    ended(&outcome, 0)?;
    world.arrived("f")?;
    let asked = (store.asked("f").len(), missing.asked("f").len());
    ensure!(asked == (4, 1), "{asked:?}\n{}", outcome.stderr);
    Ok(())
}

#[test]
fn busy_storage_does_not_keep_a_file_from_its_next_replica() -> Result<()> {
    let (store, good) = (busy(9, UNAVAILABLE, "Retry-After: 300\r\n")?, busy(0, "", "")?);
    let mut world = DownloadFixture::new()?;
    for name in ["a", "bb", "ccc"] {
        world.file(name, &content(name), &[&store.pfn(name), &good.pfn(name)]);
    }
    let outcome = world.download(&["--ndownloader", "1"])?;
    ended(&outcome, 0)?;
    for name in ["a", "bb", "ccc"] {
        world.arrived(name)?;
    }
    // The response to the first file asks for a pause, which the others keep, too.
    let asked = ["a", "bb", "ccc"].map(|name| store.asked(name).len());
    ensure!(asked == [1, 0, 0], "{asked:?}\n{}", outcome.stderr);
    ensure!(waits(&outcome.stderr) == 0, "{}", outcome.stderr);
    Ok(())
}

#[test]
fn busy_storage_that_asks_for_more_than_the_time_of_a_file_fails_it_at_once() -> Result<()> {
    let store = busy(9, UNAVAILABLE, "Retry-After: 3600\r\n")?;
    let mut world = DownloadFixture::new()?;
    world.file("f", &content("f"), &[&store.pfn("f")]);
    let outcome = world.download(&["--transfer-timeout", "90"])?;
    ended(&outcome, 75)?;
    let verdict = verdict(&outcome, "f").with_context(|| outcome.stderr.clone())?;
    ensure!(verdict.contains("503 Service Unavailable and asks to come back in 3600 s"), "{verdict}");
    ensure!(verdict.contains("longer than a file waits: 90 s in all"), "{verdict}");
    ensure!(store.asked("f").len() == 1, "asked {} times", store.asked("f").len());
    ensure!(outcome.took.as_secs() < 25, "{:?}", outcome.took);
    Ok(())
}

#[test]
fn busy_storage_is_waited_for_no_longer_than_the_time_of_a_file() -> Result<()> {
    let store = busy(99, UNAVAILABLE, "Retry-After: 40\r\n")?;
    let mut world = DownloadFixture::new()?;
    world.file("f", &content("f"), &[&store.pfn("f")]);
    let outcome = fast(world.rucio(&["--transfer-timeout", "100"])?)?.run()?;
    ended(&outcome, 75)?;
    let verdict = verdict(&outcome, "f").with_context(|| outcome.stderr.clone())?;
    ensure!(verdict.contains("100 s in all, of which 80 s are over"), "{verdict}");
    ensure!(store.asked("f").len() == 3, "asked {} times", store.asked("f").len());
    Ok(())
}

#[test]
fn busy_storage_makes_many_files_wait_with_one_line_for_each_wait() -> Result<()> {
    // Refusals to 20 files at a time, then to 10, 5, 2 and 1.
    const REFUSALS: usize = 38;
    let asked_so_far = AtomicUsize::new(0);
    let store = Store::start(move |asked, _| match asked_so_far.fetch_add(1, Ordering::SeqCst) {
        ..REFUSALS => Reply::sized(UNAVAILABLE, "Retry-After: 5\r\n", b"busy"),
        _ => Reply::good(&content(&asked.file), asked),
    })?;
    let mut world = DownloadFixture::new()?;
    let names: Vec<_> = (1..=40).map(|length| "f".repeat(length)).collect();
    for name in &names {
        world.file(name, &content(name), &[&store.pfn(name)]);
    }
    let outcome = fast(world.rucio(&["--ndownloader", "20"])?)?.run()?;
    ended(&outcome, 0)?;
    for name in &names {
        world.arrived(name)?;
    }
    let waits = waits(&outcome.stderr);
    ensure!(waits > 0 && waits < REFUSALS / 2, "{waits} lines for {REFUSALS} refusals\n{}", outcome.stderr);
    ensure!(!outcome.stderr.contains("attempt failed"), "an attempt was used up:\n{}", outcome.stderr);
    Ok(())
}
