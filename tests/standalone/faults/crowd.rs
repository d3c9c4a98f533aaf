//! Storages that take only so many requests at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::fixtures::download::ended;
use crate::fixtures::download::{DownloadFixture, bytes};
use crate::fixtures::store::{Ending, Reply, Store};

/// How many files there are.
const FILES: usize = 120;
/// Number of concurrent requests that a storage accepts.
const ROOM: usize = 3;

/// A storage that accepts three concurrent requests, and counts those it rejects, in this manner.
fn crowded(reject: fn() -> Reply) -> Result<(Store, Arc<AtomicUsize>)> {
    let (inside, refused) = (AtomicUsize::new(0), Arc::<AtomicUsize>::default());
    let refusals = refused.clone();
    let store = Store::start(move |asked, _| {
        let taken = inside.fetch_add(1, SeqCst) < ROOM;
        match taken {
            true => thread::sleep(Duration::from_millis(20)),
            false => drop(refusals.fetch_add(1, SeqCst)),
        }
        inside.fetch_sub(1, SeqCst);
        match taken {
            true => Reply::good(&content(&asked.file), asked),
            false => reject(),
        }
    })?;
    Ok((store, refused))
}

fn content(name: &str) -> Vec<u8> {
    bytes(name.len() + name.bytes().map(usize::from).sum::<usize>(), 5_000)
}

/// Every file is downloaded although there are more than the storage accepts concurrently, and rejections become rare.
#[test]
fn storage_with_little_capacity_gets_fewer_concurrent_requests() -> Result<()> {
    arrive_all(|| Reply::sized("503 Slow Down", "Retry-After: 0\r\n", b""))
}

/// A storage, or the firewall before it, that resets connections beyond a number.
#[test]
fn storage_that_resets_connections_gets_fewer_concurrent_requests() -> Result<()> {
    arrive_all(|| Reply::raw(b"", b"").ending(0, Ending::Reset))
}

/// The same, closing them.
#[test]
fn storage_that_closes_connections_gets_fewer_concurrent_requests() -> Result<()> {
    arrive_all(|| Reply::raw(b"", b""))
}

fn arrive_all(reject: fn() -> Reply) -> Result<()> {
    let (store, refused) = crowded(reject)?;
    let mut world = DownloadFixture::new()?;
    let names: Vec<_> = (0..FILES).map(|number| format!("f{number}")).collect();
    for name in &names {
        world.file(name, &content(name), &[&store.pfn(name)]);
    }
    let outcome = world.download(&["--ndownloader", "30"])?;
    ended(&outcome, 0)?;
    for name in &names {
        world.arrived(name)?;
    }
    let refused = refused.load(SeqCst);
    ensure!(refused > 0, "there was always room: the test shows nothing");
    ensure!(refused < FILES * 2, "{refused} refusals for {FILES} files");
    ensure!(!outcome.stderr.contains("attempt failed"), "an attempt was used up:\n{}", outcome.stderr);
    Ok(())
}

/// A storage that rejects all requests does not delay files that another one has.
#[test]
fn storage_that_is_down_does_not_keep_files_from_the_next_one() -> Result<()> {
    let down = Store::start(|_, _| Reply::sized("503 Service Unavailable", "Retry-After: 0\r\n", b""))?;
    let good = Store::start(|asked, _| Reply::good(&content(&asked.file), asked))?;
    let mut world = DownloadFixture::new()?;
    let names: Vec<_> = (0..FILES).map(|number| format!("f{number}")).collect();
    for name in &names {
        world.file(name, &content(name), &[&down.pfn(name), &good.pfn(name)]);
    }
    ended(&world.download(&["--ndownloader", "30"])?, 0)?;
    for name in &names {
        world.arrived(name)?;
        ensure!(down.asked(name).len() >= 2 && good.asked(name).len() == 1, "{name}");
    }
    Ok(())
}
