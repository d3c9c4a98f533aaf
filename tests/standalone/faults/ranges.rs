//! Large files over several connections, from storages that are slow, and send wrong data, reject or stop when a byte range
//! is requested.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rucio::transfer::checksum::Checksum;
use rustix::process::Signal;

use super::resume::{end, finds_the_file_of_another};
use crate::fixtures::download::ended;
use crate::fixtures::download::{DownloadFixture, bytes};
use crate::fixtures::store::{Asked, Ending, Reply, Store};
use crate::fixtures::wait_for;

const SIZE: usize = 12_000_000;
/// Time that a slow storage needs for 64 KiB: 4 MB/s per connection.
const SLOW: Duration = Duration::from_millis(15);

/// A large file that has no two parts alike.
fn large(seed: usize, length: usize) -> Vec<u8> {
    let (block, mut all) = (bytes(seed, 1000), Vec::with_capacity(length + 1008));
    while all.len() < length {
        all.extend_from_slice(&all.len().to_le_bytes());
        all.extend_from_slice(&block);
    }
    all.truncate(length);
    all
}

/// The file `f` on a storage that needs this long for each 64 KiB.
fn one_file(length: usize, pause: Duration) -> Result<(DownloadFixture, Store)> {
    let content = large(0, length);
    let store = Store::good(HashMap::from([("f".to_owned(), content.clone())]), pause)?;
    let mut world = DownloadFixture::new()?;
    world.file("f", &content, &[&store.pfn("f")]);
    Ok((world, store))
}

/// Number of bytes requested; those requested twice count once.
fn union(asked: &[Asked], length: usize) -> usize {
    let mut stretches: Vec<_> = asked.iter().map(|one| (one.from.unwrap_or(0), one.last(length) + 1)).collect();
    stretches.sort_unstable();
    let mut behind = 0;
    let fresh = stretches.into_iter().map(|(start, end)| {
        let start = start.max(behind);
        behind = behind.max(end);
        end.saturating_sub(start)
    });
    fresh.sum()
}

#[test]
fn ranges_are_requested_in_parallel_from_a_slow_storage() -> Result<()> {
    let (world, store) = one_file(SIZE, SLOW)?;
    ended(&world.download(&[])?, 0)?;
    world.arrived("f")?;
    let asked = store.asked("f");
    ensure!((5..40).contains(&asked.len()), "{asked:?}");
    ensure!(asked[0].from.is_none());
    ensure!(asked[1..].iter().all(|one| one.from.is_some() && one.last.is_some()));
    ensure!(world.names()? == ["f"], "{:?}", world.names()?);
    Ok(())
}

/// A busy machine may be slow for a moment, but not each time.
#[test]
fn ranges_are_not_used_with_a_fast_storage() -> Result<()> {
    let (world, store) = one_file(60_000_000, Duration::ZERO)?;
    let mut most = Vec::new();
    for _ in 0..5 {
        let before = store.asked("f").len();
        ended(&world.download(&[])?, 0)?;
        world.arrived("f")?;
        most.push(store.asked("f").len() - before);
        if most.last() == Some(&1) {
            return Ok(());
        }
        fs::remove_file(world.place("f"))?;
    }
    anyhow::bail!("asked so often: {most:?}")
}

/// A limit on files also limits connections, and files that cannot be verified by byte range use one connection.
#[test]
fn ranges_are_not_used_where_disabled_or_not_verifiable() -> Result<()> {
    let (world, store) = one_file(9_000_000, SLOW)?;
    ended(&world.download(&["--ndownloader", "1"])?, 0)?;
    world.arrived("f")?;
    ensure!(store.asked("f").len() == 1, "{:?}", store.asked("f"));

    let (content, mut world) = (large(0, 9_000_000), DownloadFixture::new()?);
    let copy = world.home.path().join("copy");
    fs::write(&copy, &content)?;
    let md5 = Checksum::Md5([0; 16]).of_file(&copy)?;
    let hash = format!("<size>{}</size><hash type=\"md5\">{md5}</hash>", content.len());
    let before = store.asked("f").len();
    world.described("f", &hash, &[&store.pfn("f")]);
    ended(&world.download(&[])?, 0)?;
    ensure!(fs::read(world.place("f"))? == content);
    ensure!(store.asked("f").len() == before + 1);
    Ok(())
}

/// How the server answers a range request.
type Answer = fn(&[u8], &Asked) -> Reply;

fn partial_reply(content: &[u8], headers: &str, from: usize, last: usize) -> Reply {
    let range = format!("{headers}Content-Range: bytes {from}-{last}/{}\r\n", content.len());
    Reply::sized("206 Partial Content", &range, &content[from..=last])
}

const HELPERS: [(&str, Answer); 13] = [
    ("good", |content, asked| Reply::good(content, asked)),
    ("slower", |content, asked| Reply::good(content, asked).slow(SLOW * 8)),
    ("silent", |_, _| Reply::raw(b"", b"").ending(0, Ending::Stall)),
    ("falls-silent", |content, asked| Reply::good(content, asked).ending(100_000, Ending::Stall)),
    ("cut", |content, asked| Reply::good(content, asked).ending(100_000, Ending::Close)),
    ("reset", |content, asked| Reply::good(content, asked).ending(100_000, Ending::Reset)),
    ("whole", |content, _| Reply::sized("200 OK", "ETag: \"1\"\r\n", content)),
    ("elsewhere", |content, asked| partial_reply(content, "ETag: \"1\"\r\n", 1, asked.last(content.len()))),
    ("another-size", |content, asked| Reply::good(&content[..content.len() - 1], asked)),
    ("416", |_, _| Reply::sized("416 Range Not Satisfiable", "", b"")),
    ("404", |_, _| Reply::sized("404 Not Found", "", b"")),
    ("503", |_, _| Reply::sized("503 Service Unavailable", "Retry-After: 20\r\n", b"")),
    ("another-version", |content, asked| {
        let version = format!("ETag: \"{}\"\r\n", asked.from.unwrap_or(0));
        partial_reply(content, &version, asked.from.unwrap_or(0), asked.last(content.len()))
    }),
];

/// If all connections stop after they have begun, it is too late for the whole file in the same attempt.
const NOT_ALONE: &str = "falls-silent";

/// For each fault a file whose first source sends the whole slowly, and byte ranges with that fault, and one whose
/// first source is slow and honest while the second one has the fault. None of them costs an attempt.
#[test]
fn ranges_survive_sources_that_refuse_lie_or_stall() -> Result<()> {
    let helper = |name: &str| HELPERS.iter().position(|(helper, _)| *helper == name);
    let contents: Vec<_> = (0..HELPERS.len()).map(|seed| large(seed, 9_500_000 + seed)).collect();
    let (ours, theirs) = (contents.clone(), contents.clone());
    let first = Store::start(move |asked, _| {
        match (asked.file.split_once('.'), asked.from) {
            (Some((name, "alone")), Some(_)) => helper(name).map(|number| (HELPERS[number].1)(&ours[number], asked)),
            (Some((name, _)), _) => helper(name).map(|number| Reply::good(&ours[number], asked).slow(SLOW)),
            _ => None,
        }
        .unwrap_or_else(|| Reply::sized("404 Not Found", "", b""))
    })?;
    let second = Store::start(move |asked, _| match helper(&asked.file) {
        Some(number) => (HELPERS[number].1)(&theirs[number], asked),
        None => Reply::sized("404 Not Found", "", b""),
    })?;
    let mut world = DownloadFixture::new()?;
    for ((name, _), content) in HELPERS.iter().zip(&contents) {
        let (alone, helped) = (format!("{name}.alone"), format!("{name}.helped"));
        if *name != NOT_ALONE {
            world.file(&alone, content, &[&first.pfn(&alone)]);
        }
        world.file(&helped, content, &[&first.pfn(&helped), &second.pfn(name)]);
    }
    let outcome = world.download(&[])?;
    ended(&outcome, 0)?;
    ensure!(!outcome.stderr.contains("Try 1/2"), "{}", outcome.stderr);
    for (name, _) in HELPERS {
        let files = [format!("{name}.alone"), format!("{name}.helped")];
        for file in files.into_iter().skip(usize::from(name == NOT_ALONE)) {
            world.arrived(&file)?;
            ensure!(first.asked(&file).len() > 1, "{file} came in one piece");
        }
        ensure!((1..20).contains(&second.asked(name).len()), "{name}: {:?}", second.asked(name));
    }
    ensure!(world.names()?.len() == 2 * HELPERS.len() - 1, "{:?}", world.names()?);
    Ok(())
}

/// The first source stops or breaks off in the middle, and the rest is downloaded from the other one.
#[test]
fn ranges_that_one_replica_lacks_come_from_another() -> Result<()> {
    for ending in [Ending::Stall, Ending::Reset] {
        let content = large(0, SIZE);
        let (half, whole) = (content.clone(), content.clone());
        let first = Store::start(move |asked, _| Reply::good(&half, asked).slow(SLOW).ending(2_000_000, ending))?;
        let second = Store::start(move |asked, _| Reply::good(&whole, asked).slow(SLOW))?;
        let mut world = DownloadFixture::new()?;
        world.file("f", &content, &[&first.pfn("f"), &second.pfn("f")]);
        let outcome = world.download(&[])?;
        ended(&outcome, 0)?;
        world.arrived("f")?;
        ensure!(!outcome.stderr.contains("Try 1/2"), "{}", outcome.stderr);
        ensure!(!second.asked("f").is_empty() && world.names()? == ["f"], "{:?}", second.asked("f"));
    }
    Ok(())
}

/// A wrong byte in one of the ranges: then the whole file is requested from one source, over one connection.
#[test]
fn ranges_that_do_not_fit_are_fetched_again_as_one_file() -> Result<()> {
    let content = large(0, SIZE);
    let (right, mut wrong) = (content.clone(), content.clone());
    wrong.iter_mut().for_each(|byte| *byte ^= 1);
    let first = Store::start(move |asked, _| Reply::good(&right, asked).slow(SLOW))?;
    let second = Store::start(move |asked, _| Reply::good(&wrong, asked).slow(SLOW))?;
    let mut world = DownloadFixture::new()?;
    world.file("f", &content, &[&first.pfn("f"), &second.pfn("f")]);
    let outcome = world.download(&[])?;
    ended(&outcome, 0)?;
    world.arrived("f")?;
    ensure!(outcome.stderr.contains("what had come before does not fit"), "{}", outcome.stderr);
    let asked = first.asked("f");
    ensure!(!second.asked("f").is_empty() && asked.last().is_some_and(|last| last.from.is_none()), "{asked:?}");
    ensure!(asked.iter().filter(|one| one.from.is_none()).count() == 2, "{asked:?}");
    Ok(())
}

/// A storage that accepts only two connections.
#[test]
fn ranges_respect_a_storage_that_is_overloaded() -> Result<()> {
    let content = large(0, SIZE);
    let whole = content.clone();
    let store = Store::start(move |asked, _| match asked.at_once {
        0..=2 => Reply::good(&whole, asked).slow(SLOW),
        _ => Reply::sized("429 Too Many Requests", "Retry-After: 20\r\n", b""),
    })?;
    let mut world = DownloadFixture::new()?;
    world.file("f", &content, &[&store.pfn("f")]);
    let outcome = world.download(&[])?;
    ended(&outcome, 0)?;
    world.arrived("f")?;
    let asked = store.asked("f");
    ensure!(!outcome.stderr.contains("Try 1/2"), "{}", outcome.stderr);
    ensure!((3..20).contains(&asked.len()) && asked.iter().any(|one| one.at_once > 2), "{asked:?}");
    Ok(())
}

#[test]
fn ranges_share_the_rate_limit() -> Result<()> {
    let (world, store) = one_file(SIZE, SLOW * 4)?;
    let outcome = world.download(&["--limit-rate", "3M"])?;
    ended(&outcome, 0)?;
    world.arrived("f")?;
    ensure!(store.asked("f").len() > 3, "{:?}", store.asked("f"));
    ensure!(outcome.took >= Duration::from_secs(3), "{SIZE} bytes in {:?}", outcome.took);
    Ok(())
}

impl DownloadFixture {
    /// Waits until a file is downloaded in byte ranges: a trailer at its end records them.
    fn wait_for_parts(&self, name: &str, size: usize) -> Result<PathBuf> {
        wait_for("parts of the file", || {
            let part = self.part(name)?;
            Ok(part.filter(|part| fs::metadata(part).is_ok_and(|part| part.len() > size as u64)))
        })
    }
}

/// An interruption of any kind at any moment: the next run requests only the missing bytes, and so does the one after it.
#[test]
fn ranges_are_resumed() -> Result<()> {
    const LARGE: usize = 20_000_000;
    for (round, signal) in [Signal::INT, Signal::TERM, Signal::KILL, Signal::KILL].into_iter().enumerate() {
        let (world, store) = one_file(LARGE, SLOW)?;
        let mut asked_before = 0;
        for again in 0..2 {
            let mut child = world.start()?;
            world.wait_for_parts("f", LARGE)?;
            std::thread::sleep(Duration::from_millis(50 + 90 * round as u64 + 40 * again));
            if child.try_wait()?.is_some() {
                break;
            }
            end(child, signal)?;
            ensure!(!world.place("f").exists());
            let asked = store.asked("f");
            ensure!(again == 0 || asked[asked_before..].iter().all(|one| one.from.is_some()), "{asked:?}");
            asked_before = asked.len();
        }
        let outcome = world.download(&[])?;
        ended(&outcome, 0)?;
        world.arrived("f")?;
        let asked = store.asked("f");
        let last = &asked[asked_before.min(asked.len())..];
        ensure!(last.iter().all(|one| one.from.is_some()), "{last:?}");
        ensure!(union(last, LARGE) < LARGE - 1_000_000, "{} bytes again: {last:?}", union(last, LARGE));
        ensure!(outcome.stderr.contains("Resuming an earlier download"), "{}", outcome.stderr);
        ensure!(world.names()? == ["f"], "{:?}", world.names()?);
    }
    Ok(())
}

/// A damaged trailer costs a new start, or the damaged range, and no more.
#[test]
fn ranges_of_a_false_map_or_spoiled_file_are_fetched_again() -> Result<()> {
    let (world, store) = one_file(SIZE, SLOW)?;
    let child = world.start()?;
    let part = world.wait_for_parts("f", SIZE)?;
    end(child, Signal::KILL)?;
    let (name, left) = (part.file_name().context("a name")?.to_string_lossy().into_owned(), fs::read(&part)?);
    let mut torn = left.clone();
    torn.truncate(SIZE + 30);
    let mut turned = left.clone();
    turned[SIZE + 40] ^= 1;
    let mut spoiled = left.clone();
    spoiled[1000] ^= 1;
    let holes_only = [vec![0; SIZE], left[SIZE..].to_vec()].concat();
    for (case, bytes) in [("torn", torn), ("turned", turned), ("spoiled", spoiled), ("holes", holes_only)] {
        fs::create_dir_all(world.place("f").parent().context("a folder")?)?;
        fs::remove_file(world.place("f")).ok();
        fs::write(world.place(&name), bytes)?;
        ended(&world.download(&[])?, 0).context(case)?;
        world.arrived("f").context(case)?;
        ensure!(world.names()? == ["f"], "{case}: {:?}", world.names()?);
    }
    ensure!(!store.asked("f").is_empty());
    Ok(())
}

/// A file that is downloaded in byte ranges does not grow during the download.
#[test]
fn ranges_make_a_second_process_wait() -> Result<()> {
    let (world, store) = one_file(SIZE, SLOW * 2)?;
    let first = world.start()?;
    world.wait_for_parts("f", SIZE)?;
    finds_the_file_of_another(&world, first)?;
    ensure!(store.asked("f").iter().filter(|one| one.from.is_none()).count() == 1);
    ensure!(world.names()? == ["f"]);
    Ok(())
}
