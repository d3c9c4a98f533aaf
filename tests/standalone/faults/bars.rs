//! What a person sees of a download: bars on a terminal of any size, lines in a pipe.

use std::collections::HashMap;
use std::io::{Cursor, Write};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use regex::Regex;
use rustix::process::{Pid, Signal, kill_process};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::fixtures::download::ended;
use crate::fixtures::download::{DownloadFixture, bytes};
use crate::fixtures::store::{Ending, Reply, Store};
use crate::fixtures::{Pty, Tmux, wait_for};

/// A terminal in the folder of a world, where `get` downloads all and then prints its exit code.
fn terminal(world: &DownloadFixture, columns: u16, lines: u16, variables: &[(&str, &str)]) -> Result<Tmux> {
    world.document()?;
    let config = world.config();
    let tmux = Tmux::start(&world.home, &[variables, &[("RUCIO_CONFIG", config.as_str())]].concat(), "bash --norc")?;
    tmux.resize(columns, lines)?;
    tmux.type_text("PS1='$ '; get() { rucio download --dir here --metalink all.meta4 \"$@\"; echo code $?; }; clear")?;
    tmux.press("Enter")?;
    // What is typed before the prompt is shown twice.
    tmux.wait_until("the prompt", |screen| screen == "$")?;
    Ok(tmux)
}

fn run(tmux: &Tmux, line: &str) -> Result<()> {
    tmux.type_text(line)?;
    tmux.press("Enter")
}

/// Thirty files with long names, each of which takes two seconds and more.
fn thirty() -> Result<(DownloadFixture, Store)> {
    let content = bytes(1, 1_600_000);
    let expected = content.clone();
    let store = Store::start(move |asked, _| Reply::good(&content, asked).slow(Duration::from_millis(100)))?;
    let mut world = DownloadFixture::new()?;
    for number in 0..30 {
        let name = format!("a.file.whose.name.is.longer.than.a.line.of.most.terminals.can.ever.be.{number:02}.root");
        world.file(&name, &expected, &[&store.pfn(&name)]);
    }
    Ok((world, store))
}

/// The bars of files: those lines have a percentage and no number of files.
fn bars(screen: &str) -> usize {
    screen.lines().filter(|line| line.contains('%') && !line.contains(" files")).count()
}

#[test]
fn bars_fit_a_terminal_of_any_size_and_leave_nothing_behind() -> Result<()> {
    let (world, _store) = thirty()?;
    let tmux = terminal(&world, 100, 24, &[])?;
    run(&tmux, "get --ndownloader 30")?;
    let whole = Regex::new(r"^0 of 30 files  ━*─+  [\d.]+/48\.0 MB  [\d.]+ .B/s  \d+s left$")?;
    let is_whole = |screen: &str| screen.lines().last().is_some_and(|line| whole.is_match(line));
    let screen = tmux.wait_until("the bars", |screen| is_whole(screen) && bars(screen) == 21)?;
    // The ends of the names distinguish the files.
    ensure!(screen.contains("faults:a.") && screen.contains(".ever.be.07.root"), "{screen}");
    tmux.resize(40, 24)?;
    let narrow = Regex::new(r"^0 of 30 files  \d+%  [\d.]+ .B/s  \d+s left$")?;
    let is_narrow = |screen: &str| screen.lines().last().is_some_and(|line| narrow.is_match(line));
    let screen = tmux.wait_until("narrow bars", |screen| is_narrow(screen) && bars(screen) == 21)?;
    ensure!(screen.lines().all(|line| line.chars().count() < 40) && screen.contains(".07.root"), "{screen}");
    tmux.resize(120, 45)?;
    let screen = tmux.wait_until("the end", |screen| screen.contains("code 0"))?;
    ensure!(!screen.contains('%') && !screen.contains("of 30 files"), "{screen}");
    // A line for each file, and the result below them.
    let ended = Regex::new(r"(?m)^ok   faults:a\.\S+\.\d\d\.root +1\.6 MB\b")?;
    ensure!(ended.find_iter(&screen).count() == 30, "{screen}");
    let result = Regex::new(r"Downloaded 30 files, 48\.0 MB in [\d.]+s \([\d.]+ .B/s\)\ncode 0")?;
    ensure!(result.is_match(&screen), "{screen}");
    Ok(())
}

#[test]
fn bars_show_the_current_rate_after_a_resume() -> Result<()> {
    let content = bytes(1, 6_000_000);
    let expected = content.clone();
    let store = Store::start(move |asked, _| {
        let pause = if asked.from.is_none() { 15 } else { 250 };
        Reply::good(&content, asked).slow(Duration::from_millis(pause))
    })?;
    let mut world = DownloadFixture::new()?;
    world.file("f", &expected, &[&store.pfn("f")]);
    let mut first = world.rucio(&[])?.command()?;
    let mut first = first.stderr(std::process::Stdio::null()).spawn()?;
    wait_for("half of the file", || {
        let part = world.names()?.into_iter().find(|name| name.ends_with(".rucio-part"));
        Ok(part.filter(|part| world.place(part).metadata().is_ok_and(|part| part.len() > 3_000_000)))
    })?;
    kill_process(Pid::from_child(&first), Signal::KILL)?;
    first.wait()?;
    let tmux = terminal(&world, 100, 24, &[])?;
    run(&tmux, "get")?;
    let line = Regex::new(r"0 of 1 file  ━+─+  ([\d.]+)/6\.0 MB  ([\d.]+) kB/s  \d+s left$")?;
    let shown = tmux.wait_until("the rate", |screen| screen.lines().last().is_some_and(|last| line.is_match(last)))?;
    let found = line.captures(shown.lines().last().unwrap_or_default()).context("no rate")?;
    let [here, rate] = [1, 2].map(|group| found[group].parse::<f64>().unwrap_or(-1.0));
    // 64 KiB each quarter of a second, after what the system has buffered.
    ensure!(here > 3.0 && (0.0..999.0).contains(&rate), "{here} MB, {rate} kB/s:\n{shown}");
    // At the end the bytes of this run count, too: less than half of the file.
    let end = tmux.wait_until("the end", |screen| screen.contains("code 0"))?;
    let result = Regex::new(r"Downloaded 1 file, ([\d.]+) MB in")?.captures(&end).context("no result")?;
    ensure!(result[1].parse::<f64>()? < 3.1, "{end}");
    Ok(())
}

/// A file that stalls shows the rate it has now: none.
#[test]
fn bars_show_that_a_file_stalls() -> Result<()> {
    let content = bytes(1, 1_600_000);
    let expected = content.clone();
    let store = Store::start(move |_, _| Reply::sized("200 OK", "", &content).ending(800_000, Ending::Stall))?;
    let mut world = DownloadFixture::new()?;
    world.file("f", &expected, &[&store.pfn("f")]);
    let tmux = terminal(&world, 100, 24, &[])?;
    run(&tmux, "get")?;
    let bar = Regex::new(r"(?m)^     faults:f  RSE0  █+░+ +\d\d% +0\.8/1\.6 MB +([\d.]+ .?B/s)")?;
    let rate = |screen: &str| bar.captures(screen).map(|found| found[1].to_owned());
    let moving = rate(&tmux.wait_until("the bar", |screen| rate(screen).is_some())?);
    tmux.wait_until("another rate", |screen| rate(screen).is_some() && rate(screen) != moving)?;
    tmux.press("C-c")?;
    tmux.wait_until("the end", |screen| screen.contains("code 130") && !screen.contains("% "))?;
    // The terminal is as it was.
    run(&tmux, "clear; stty -a | tr ' ' '\\n' | grep echoctl")?;
    tmux.wait_until("echoctl", |screen| screen.starts_with("echoctl\n")).map(drop)
}

#[test]
fn bars_include_an_archive_while_it_is_fetched() -> Result<()> {
    let member = bytes(1, 2_000_000);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("inside", SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored))?;
    zip.write_all(&member)?;
    let files = HashMap::from([("shelf.zip".to_owned(), zip.finish()?.into_inner())]);
    let store = Store::good(files, Duration::from_millis(100))?;
    let mut world = DownloadFixture::new()?;
    world.file("inside", &member, &[&format!("{}?xrdcl.unzip=inside", store.pfn("shelf.zip"))]);
    let tmux = terminal(&world, 80, 24, &[])?;
    run(&tmux, "get")?;
    let bar = Regex::new(r"(?m)^     shelf\.zip +RSE0  █*░* +\d+% .*\n0 of 1 file")?;
    tmux.wait_until("the bar of the archive", |screen| bar.is_match(screen))?;
    tmux.wait_until("the end", |screen| screen.contains("code 0"))?;
    world.arrived("inside")
}

#[test]
fn bars_are_absent_when_quiet_and_the_log_complete_when_verbose() -> Result<()> {
    let (world, document, _store) = slow_file()?;
    let words = ["download", "--dir", "here", "--metalink", &document];
    let verbose = world.client().args(["-v"]).args(words).run()?;
    ended(&verbose, 0)?;
    ensure!(verbose.stderr.contains("\tDEBUG\t") && verbose.stdout.contains("Completed in"), "{verbose:?}");
    for place in [0, 1] {
        let mut words = words.to_vec();
        words.insert(place, "-q");
        let quiet = world.client().args(words).run()?;
        ended(&quiet, 0)?;
        ensure!(quiet.stderr.is_empty() && quiet.stdout.contains("Download summary"), "{quiet:?}");
    }
    std::fs::remove_file(world.place("f"))?;
    // A file that takes more than a second, without any change on the terminal.
    let config = world.config();
    let words = [&words[..], &["-q"]].concat();
    let (code, screen) = Pty::ours(&world.home, &[("RUCIO_CONFIG", config.as_str())], &words)?.end()?;
    ensure!(code == 0 && screen.starts_with("---") && !screen.contains('\x1b'), "{code} {screen:?}");
    // A storage that refuses is worth a word.
    let lost = Store::start(|_, _| Reply::sized("404 Not Found", "", b""))?;
    let mut world = DownloadFixture::new()?;
    world.file("g", b"content", &[&lost.pfn("g")]);
    let failed = world.download(&["-q"])?;
    ended(&failed, 75)?;
    ensure!(failed.stderr.contains("Failed to download file faults:g"));
    ensure!(!failed.stderr.contains("\tINFO\t"));
    Ok(())
}

/// A file that takes more than a second, and the metalink document that names it.
fn slow_file() -> Result<(DownloadFixture, String, Store)> {
    let content = bytes(1, 1_600_000);
    let store = Store::good(HashMap::from([("f".to_owned(), content.clone())]), Duration::from_millis(60))?;
    let mut world = DownloadFixture::new()?;
    world.file("f", &content, &[&store.pfn("f")]);
    let document = world.document()?.to_string_lossy().into_owned();
    Ok((world, document, store))
}

#[test]
fn bars_work_without_colours() -> Result<()> {
    let (world, document, _store) = slow_file()?;
    let config = world.config();
    let variables = [("RUCIO_CONFIG", config.as_str()), ("NO_COLOR", "1")];
    let words = ["download", "--dir", "here", "--metalink", &document];
    let (code, screen) = Pty::ours(&world.home, &variables, &words)?.end()?;
    ensure!(code == 0 && screen.contains("0 of 1 file"), "{screen:?}");
    ensure!(!Regex::new("\x1b\\[[0-9;]*m")?.is_match(&screen), "{screen:?}");
    Ok(())
}

/// Three files that take some seconds, with short names.
fn three() -> Result<(DownloadFixture, Store)> {
    let content = bytes(1, 3_000_000);
    let expected = content.clone();
    let store = Store::start(move |asked, _| Reply::good(&content, asked).slow(Duration::from_millis(100)))?;
    let mut world = DownloadFixture::new()?;
    for name in ["one.dat", "two.dat", "three.dat"] {
        world.file(name, &expected, &[&store.pfn(name)]);
    }
    Ok((world, store))
}

#[test]
fn bars_leave_nothing_on_a_screen_that_shrinks() -> Result<()> {
    let (world, _store) = three()?;
    let tmux = terminal(&world, 90, 24, &[])?;
    run(&tmux, "echo above; get")?;
    let are_shown = |screen: &str| screen.contains("0 of 3 files") && bars(screen) == 3;
    tmux.wait_until("the bars", are_shown)?;
    for (columns, lines) in [(50, 24), (30, 24), (80, 24), (40, 4)] {
        tmux.resize(columns, lines)?;
        // Narrower lines are shown in full, so the last one has the time left, and there are as many as before.
        let is_redrawn = |screen: &str| {
            let shown = screen.lines().filter(|line| line.contains(".dat")).count();
            screen.lines().last().is_some_and(|line| line.starts_with("0 of 3 files") && line.ends_with("left"))
                && shown == usize::from(lines).min(4) - 1
        };
        let screen = tmux.wait_until("bars of that size", is_redrawn)?;
        let count = |text: &str| screen.matches(text).count();
        ensure!(["one.dat", "two.dat", "three.dat"].iter().all(|name| count(name) <= 1), "{columns}: {screen}");
        ensure!(count("of 3 files") == 1, "{columns}: {screen}");
        // tmux moves lines into its history when it wraps others.
        let all = tmux.screen_with_history()?;
        ensure!(all.contains("echo above; get\nabove\n"), "{columns}: {all}");
    }
    tmux.press("C-c")?;
    tmux.wait_until("the end", |screen| screen.contains("code 130") && !screen.contains("% ")).map(drop)
}

#[test]
fn bars_are_absent_on_a_dumb_terminal_and_in_ci() -> Result<()> {
    let (world, document, _store) = slow_file()?;
    let config = world.config();
    for (name, value) in [("TERM", "dumb"), ("CI", "true")] {
        let variables = [("RUCIO_CONFIG", config.as_str()), ("NO_COLOR", "1"), (name, value)];
        let words = ["download", "--dir", "here", "--metalink", &document];
        let (code, screen) = Pty::ours(&world.home, &variables, &words)?.end()?;
        ensure!(code == 0 && screen.contains("\tINFO\tPreparing download of faults:f"), "{screen:?}");
        ensure!(!screen.contains('\x1b'), "{name}={value}: {screen:?}");
        std::fs::remove_file(world.place("f"))?;
    }
    Ok(())
}
