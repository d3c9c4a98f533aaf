//! Interrupted downloads, and the next run that resumes them.

use std::collections::HashMap;
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::fixtures::download::ended;
use crate::fixtures::download::{DownloadFixture, bytes};
use crate::fixtures::store::{Ending, Reply, Store};
use crate::fixtures::{random, shell_code, wait_for};
use crate::support::var;

/// Number of moments at which the program is killed; set by the variable.
const MOMENTS: &str = "RUCIO_KILL_MOMENTS";
const FEW_MOMENTS: usize = 15;
/// How often one download is killed before it may end.
const IN_A_ROW: usize = 5;
const SIZE: usize = 6_000_000;
/// Large enough to be downloaded in byte ranges.
const LARGE: usize = 16_000_000;

/// Files on a storage that needs this long for each 64 KiB.
fn files(names: &[&str], pause: u64) -> Result<(DownloadFixture, Store)> {
    on_store(names.iter().enumerate().map(|(seed, name)| (*name, bytes(seed, SIZE + seed))), pause)
}

/// Files of these contents on such a storage.
fn on_store<'a>(contents: impl Iterator<Item = (&'a str, Vec<u8>)>, pause: u64) -> Result<(DownloadFixture, Store)> {
    let contents: HashMap<_, _> = contents.map(|(name, content)| (name.to_owned(), content)).collect();
    let store = Store::good(contents.clone(), Duration::from_millis(pause))?;
    let mut world = DownloadFixture::new()?;
    for (name, content) in &contents {
        world.file(name, content, &[&store.pfn(name)]);
    }
    Ok((world, store))
}

impl DownloadFixture {
    /// Starts our client.
    pub(super) fn start(&self) -> Result<Child> {
        self.start_saying("said")
    }

    /// Starts our client with its output in this file.
    fn start_saying(&self, said: &str) -> Result<Child> {
        let mut command = self.rucio(&[])?.command()?;
        command.stdout(Stdio::null()).stderr(File::create(self.home.path().join(said))?);
        Ok(command.spawn()?)
    }

    fn said(&self, said: &str) -> Result<String> {
        Ok(fs::read_to_string(self.home.path().join(said))?)
    }

    /// The unfinished file of this name.
    pub(super) fn part(&self, name: &str) -> Result<Option<PathBuf>> {
        let start = format!(".{name}.");
        let found = self.names()?.into_iter().find(|found| found.starts_with(&start) && found.ends_with(".rucio-part"));
        Ok(found.map(|found| self.place(&found)))
    }

    /// Waits until a part of the file is on the disk.
    fn wait_for_part(&self, name: &str) -> Result<PathBuf> {
        wait_for("a part of the file", || {
            let part = self.part(name)?;
            Ok(part.filter(|part| fs::metadata(part).is_ok_and(|part| part.len() > 1_000_000)))
        })
    }
}

pub(super) fn end(mut child: Child, signal: Signal) -> Result<i32> {
    kill_process(Pid::from_child(&child), signal)?;
    Ok(shell_code(child.wait()?))
}

#[test]
fn resume_after_an_interrupt_starts_where_it_stopped() -> Result<()> {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::KILL, 137)] {
        let (world, store) = files(&["f"], 15)?;
        let child = world.start()?;
        let part = world.wait_for_part("f")?;
        ensure!(end(child, signal)? == code);
        let size = fs::metadata(&part)?.len();
        ensure!(!world.place("f").exists());
        ensure!(size >= 1_000_000);
        let said = world.said("said")?;
        ensure!(code == 137 || said.contains("run the same command again") && said.contains(".rucio-part"), "{said}");
        let outcome = world.download(&[])?;
        ended(&outcome, 0)?;
        world.arrived("f")?;
        ensure!(outcome.stderr.contains("Resuming an earlier download"), "{}", outcome.stderr);
        let asked: Vec<_> = store.asked("f").iter().map(|asked| asked.from).collect();
        ensure!(asked == [None, Some(usize::try_from(size)?)], "{asked:?}");
        ensure!(world.names()? == ["f"], "{:?}", world.names()?);
    }
    Ok(())
}

#[test]
fn resume_from_another_replica() -> Result<()> {
    let (world, _first) = files(&["f"], 15)?;
    let child = world.start()?;
    let part = world.wait_for_part("f")?;
    end(child, Signal::KILL)?;
    let second = Store::good(HashMap::from([("f".to_owned(), bytes(0, SIZE))]), Duration::ZERO)?;
    let mut other = DownloadFixture::new()?;
    other.file("f", &bytes(0, SIZE), &[&second.pfn("f")]);
    fs::create_dir_all(other.place("f").parent().context("a folder")?)?;
    fs::rename(&part, other.place(&part.file_name().context("a name")?.to_string_lossy()))?;
    ended(&other.download(&[])?, 0)?;
    other.arrived("f")?;
    ensure!(second.asked("f").iter().all(|asked| asked.from.is_some()));
    ensure!(other.names()? == ["f"]);
    Ok(())
}

/// A world whose only file is at this store, with the partial file of a killed run, and its size.
fn with_partial_file(store: &Store) -> Result<(DownloadFixture, PathBuf, u64)> {
    let (world, _first) = files(&["f"], 15)?;
    let child = world.start()?;
    let part = world.wait_for_part("f")?;
    end(child, Signal::KILL)?;
    let mut other = DownloadFixture::new()?;
    other.file("f", &bytes(0, SIZE), &[&store.pfn("f")]);
    let moved = other.place(&part.file_name().context("a name")?.to_string_lossy());
    fs::create_dir_all(other.place("f").parent().context("a folder")?)?;
    fs::rename(&part, &moved)?;
    let size = fs::metadata(&moved)?.len();
    Ok((other, moved, size))
}

/// Some servers send no byte of a rest, for ever.
#[test]
fn resume_where_no_rest_comes_requests_the_whole_file_and_keeps_what_is_there() -> Result<()> {
    let breaks_off = Arc::new(AtomicBool::new(true));
    let (content, still) = (bytes(0, SIZE), breaks_off.clone());
    let store = Store::start(move |asked, _| match asked.from {
        Some(from) => {
            let range = format!("Content-Range: bytes {from}-{}/{SIZE}\r\n", SIZE - 1);
            Reply::sized("206 Partial Content", &range, b"")
        }
        None if still.load(SeqCst) => Reply::sized("200 OK", "", &content).ending(500_000, Ending::Close),
        None => Reply::sized("200 OK", "", &content),
    })?;
    let (world, part, size) = with_partial_file(&store)?;
    ended(&world.download(&[])?, 75)?;
    let kept = fs::metadata(&part).context("the partial file is gone")?.len();
    ensure!(kept == size, "{kept} of {size} bytes are left");
    breaks_off.store(false, SeqCst);
    ended(&world.download(&[])?, 0)?;
    world.arrived("f")?;
    let are_closed = store.asked("f").iter().all(|asked| asked.from.is_none() || asked.last == Some(SIZE - 1));
    ensure!(are_closed, "ranges without an end: {:?}", store.asked("f"));
    Ok(())
}

/// A login page, and a storage with a file of another size.
#[test]
fn resume_keeps_what_is_there_when_something_else_comes() -> Result<()> {
    let page = b"<html>Please log in.</html>";
    let answers: [fn(&[u8]) -> Reply; 3] = [
        |page| Reply::sized("200 OK", "Content-Type: text/html\r\n", page),
        |page| Reply::bare("200 OK", "Content-Type: text/html\r\n", page),
        |page| Reply::sized("200 OK", "", page),
    ];
    for (number, answer) in answers.into_iter().enumerate() {
        let store = Store::start(move |_, _| answer(page))?;
        let (world, part, size) = with_partial_file(&store)?;
        ended(&world.download(&[])?, 75)?;
        let kept = fs::metadata(&part).with_context(|| format!("{number}: the partial file is gone"))?.len();
        ensure!(kept == size, "{number}: {kept} of {size} bytes are left");
    }
    Ok(())
}

/// With any file at the destination, the result is right, and files of others stay unchanged.
#[test]
fn resume_ignores_spoiled_and_foreign_leftovers() -> Result<()> {
    let (world, _store) = files(&["f"], 15)?;
    let child = world.start()?;
    let part = world.wait_for_part("f")?;
    end(child, Signal::KILL)?;
    let (name, half) = (part.file_name().context("a name")?.to_string_lossy().into_owned(), fs::read(&part)?);
    let mut spoiled = half.clone();
    spoiled[half.len() / 2] ^= 1;
    let zeros = vec![0; half.len()];
    let longer = [bytes(0, SIZE), b"more".to_vec()].concat();
    let cases: [(&str, Vec<u8>, usize); 6] = [
        ("half", half, 1),
        ("spoiled", spoiled, 2),
        ("zeros after a crash", zeros, 2),
        ("empty", Vec::new(), 1),
        ("all but the name", bytes(0, SIZE), 0),
        ("longer", longer, 1),
    ];
    for (case, left, asked) in cases {
        let (world, store) = files(&["f"], 0)?;
        fs::create_dir_all(world.place("f").parent().context("a folder")?)?;
        fs::write(world.place(&name), left)?;
        let outcome = world.download(&[])?;
        ended(&outcome, 0).context(case)?;
        world.arrived("f").context(case)?;
        ensure!(world.names()? == ["f"], "{case}: {:?}", world.names()?);
        ensure!(store.asked("f").len() == asked, "{case}: {:?}\n{}", store.asked("f"), outcome.stderr);
    }
    type Way = fn(&Path, &Path) -> std::io::Result<()>;
    let ways: [(&str, Way); 3] = [
        ("a link", |other, part| symlink(other, part)),
        ("another name of a file", |other, part| fs::hard_link(other, part)),
        ("a folder", |_, part| fs::create_dir(part)),
    ];
    for (case, way) in ways {
        let (world, _store) = files(&["f"], 0)?;
        fs::create_dir_all(world.place("f").parent().context("a folder")?)?;
        let other = world.home.path().join("other");
        fs::write(&other, b"precious")?;
        way(&other, &world.place(&name))?;
        ended(&world.download(&[])?, 0).context(case)?;
        world.arrived("f").context(case)?;
        ensure!(fs::read(&other)? == b"precious" && world.names()? == [name.as_str(), "f"], "{case}");
    }
    Ok(())
}

/// A second process waits for the first one, which is fetching `f`, and finds it there.
pub(super) fn finds_the_file_of_another(world: &DownloadFixture, mut first: Child) -> Result<()> {
    let second = world.download(&[])?;
    ended(&second, 0)?;
    ensure!(shell_code(first.wait()?) == 0);
    ensure!(second.stderr.contains("Another process is downloading faults:f"), "{}", second.stderr);
    ensure!(second.stdout.contains("Files already found locally:                  1"), "{}", second.stdout);
    world.arrived("f")
}

#[test]
fn resume_waits_for_another_process_and_fetches_nothing_twice() -> Result<()> {
    let (world, store) = files(&["f"], 15)?;
    let first = world.start()?;
    world.wait_for_part("f")?;
    finds_the_file_of_another(&world, first)?;
    ensure!(store.asked("f").len() == 1 && world.names()? == ["f"], "{:?}", world.names()?);
    Ok(())
}

#[test]
fn resume_takes_over_when_the_other_process_is_killed() -> Result<()> {
    let (world, store) = files(&["f"], 15)?;
    let first = world.start()?;
    world.wait_for_part("f")?;
    let mut second = world.start_saying("second")?;
    wait_for("the second one", || Ok(world.said("second")?.contains("Another process is downloading").then_some(())))?;
    end(first, Signal::KILL)?;
    ensure!(shell_code(second.wait()?) == 0, "{}", world.said("second")?);
    world.arrived("f")?;
    let asked = store.asked("f");
    ensure!(asked.len() == 2 && asked[1].from.is_some() && world.names()? == ["f"], "{asked:?}");
    Ok(())
}

/// Repeatedly kills a download of several files, of which two are large enough for byte ranges. At no moment
/// there is a wrong byte under a final name.
#[test]
fn resume_after_being_killed_at_any_moment_is_right() -> Result<()> {
    let names = ["a", "b", "c", "d", "e", "f"];
    let moments = var(MOMENTS).map_or(Ok(FEW_MOMENTS), |text| text.parse())?;
    let mut random = random();
    let (mut killed, mut resumed, mut parts) = (0, 0, 0);
    while killed < moments {
        let size = |seed: usize| if seed < 2 { LARGE } else { SIZE };
        let contents = names.iter().enumerate().map(|(seed, name)| (*name, bytes(seed, size(seed) + seed)));
        let (world, store) = on_store(contents, 4)?;
        for _ in 0..IN_A_ROW {
            let mut child = world.start()?;
            let moment = Duration::from_millis(random.u64(20..520));
            watch(&world, &names, moment)?;
            if child.try_wait()?.is_none() {
                end(child, Signal::KILL)?;
                killed += 1;
            }
            all_right(&world, &names).with_context(|| format!("killed after {moment:?}"))?;
        }
        let outcome = world.download(&[])?;
        ended(&outcome, 0)?;
        names.iter().try_for_each(|name| world.arrived(name))?;
        ensure!(world.names()? == names, "{:?}", world.names()?);
        // Only large files are downloaded in byte ranges.
        let ranges = |names: &[&str]| {
            names.iter().flat_map(|name| store.asked(name)).filter(|asked| asked.from.is_some()).count()
        };
        resumed += ranges(&names[2..]);
        parts += ranges(&names[..2]);
    }
    ensure!(resumed > 0 && parts > 0, "gone on with: {resumed}, parts: {parts}");
    Ok(())
}

/// Checks for this long that files under final names are right.
fn watch(world: &DownloadFixture, names: &[&str], time: Duration) -> Result<()> {
    let end = std::time::Instant::now() + time;
    let mut seen: Vec<&str> = Vec::new();
    while std::time::Instant::now() < end {
        for name in names {
            if !seen.contains(name) && world.place(name).exists() {
                world.arrived(name)?;
                seen.push(name);
            }
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

fn all_right(world: &DownloadFixture, names: &[&str]) -> Result<()> {
    names.iter().filter(|name| world.place(name).exists()).try_for_each(|name| world.arrived(name))
}
