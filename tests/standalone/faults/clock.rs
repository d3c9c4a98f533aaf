//! Clocks that jump, go wrong by years, or run fast. libfaketime changes the program's clock.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::fixtures::clock::{TIME_OF_DAY, fast, library};
use crate::fixtures::download::{DownloadFixture, bytes};
use crate::fixtures::download::{ended, verdict};
use crate::fixtures::store::{Reply, Store};
use crate::fixtures::{Answer, CertificateFixture, Home, Server, TODAY, TlsFront, Use, WatchedProcess, keep};
use crate::support::Rucio;

const USERPASS: &str = "auth_type = userpass\nusername = jdoe\npassword = secret";

/// Our client with a clock that this file sets.
fn command(world: &DownloadFixture, clock: &Path) -> Result<Command> {
    let words = ["download", "-o", "jsonl", "--dir", "here", "--metalink", "all.meta4"];
    world.document()?;
    let rucio = world.client().args(words).env("LD_PRELOAD", &library()?);
    let rucio = TIME_OF_DAY.iter().fold(rucio, |rucio, (name, value)| rucio.env(name, value));
    let mut command = rucio.env("FAKETIME_TIMESTAMP_FILE", &clock.to_string_lossy()).command()?;
    command.stderr(Stdio::null());
    Ok(command)
}

/// Sets the clock at one stroke.
fn set(clock: &Path, time: &str) -> Result<()> {
    let new = clock.with_extension("new");
    fs::write(&new, format!("{time}\n"))?;
    Ok(fs::rename(new, clock)?)
}

#[test]
fn clock_that_jumps_during_a_download_changes_nothing() -> Result<()> {
    let content = bytes(1, 1_600_000);
    for jump in ["+30d", "-30d"] {
        let name = "jump".to_owned();
        let files = HashMap::from([(name.clone(), content.clone())]);
        let store = Store::good(files, Duration::from_millis(80))?;
        let mut world = DownloadFixture::new()?;
        world.file(&name, &content, &[&store.pfn(&name)]);
        let clock = world.home.path().join("clock");
        set(&clock, "+0")?;
        let mut watched = WatchedProcess::start(command(&world, &clock)?)?;
        watched.wait_for("progress", &name)?;
        set(&clock, jump)?;
        let (code, lines) = watched.end()?;
        ensure!(code == 0 && store.asked(&name).len() == 1, "{jump}: {code} {lines:?}");
        world.arrived(&name)?;
        let ended = |line: &String| serde_json::from_str::<Value>(line).ok().filter(|one| one["event"] == "done");
        let done = lines.iter().find_map(ended).context("it was not done")?;
        // A pause after each of 25 chunks.
        let took = |seconds: Option<f64>| seconds.is_some_and(|seconds| (1.0..600.0).contains(&seconds));
        ensure!(took(done["seconds"].as_f64()), "{jump}: {done}");
        let trace = world.traces()?.pop().context("no trace")?;
        let [start, end] = ["transferStart", "transferEnd"].map(|field| trace[field].as_f64());
        ensure!(took(start.zip(end).map(|(start, end)| end - start)), "{jump}: {trace}");
    }
    Ok(())
}

#[test]
fn clock_wrong_by_years_fails_only_certificates() -> Result<()> {
    let content = bytes(1, 1000);
    for year in ["2001", "2077"] {
        let store = Store::good(HashMap::from([("f".to_owned(), content.clone())]), Duration::ZERO)?;
        let mut world = DownloadFixture::new()?;
        world.file("f", &content, &[&store.pfn("f")]);
        let wrong = format!("@{year}-05-05 05:05:05");
        let wrong = [("LD_PRELOAD", library()?), ("FAKETIME", wrong)];
        let clock = |rucio: Rucio| {
            let rucio = wrong.iter().fold(rucio, |rucio, (name, value)| rucio.env(name, value));
            TIME_OF_DAY.iter().fold(rucio, |rucio, (name, value)| rucio.env(name, value))
        };
        // A server without TLS.
        let server = Server::start(|_, _| Answer::json("{}"))?;
        let document = world.document()?.to_string_lossy().into_owned();
        let words = ["download", "--dir", "here", "--metalink", &document];
        let outcome = clock(server.client(&world.home)?.folder(world.home.path())).args(words).run()?;
        ended(&outcome, 0)?;
        world.arrived("f")?;
        let (home, authority) = (Home::new()?, CertificateFixture::unknown_authority()?);
        let host = authority.sign(&["CN=localhost"], TODAY, Use::Server("localhost"))?;
        let ca = keep(&home, "ca.pem", authority.pem()?)?.to_string_lossy().into_owned();
        let front = TlsFront::start(&server, &host)?;
        let refused = clock(front.client(&home, &ca, USERPASS)?).args(["download", "test:davsfile"]).run()?;
        ended(&refused, 1)?;
        ensure!(refused.stderr.contains("the server's certificate"), "{}", refused.stderr);
        ensure!(refused.stderr.contains("clock of this machine"), "{}", refused.stderr);
    }
    Ok(())
}

/// Officially the timeout of a slow storage is the time at the minimum speed plus a minute. The clock runs fast, and all
/// that is measured by it; so two minutes of waiting are over soon.
#[test]
fn storage_below_the_minimum_speed_is_left_after_a_minute_and_its_time() -> Result<()> {
    let content = bytes(1, 500_000);
    let expected = content.clone();
    // Data arrives every 24 seconds by that clock, and all would need three minutes.
    let store = Store::start(move |asked, _| {
        let pause = if asked.file == "slow" { 1200 } else { 0 };
        Reply::good(&content, asked).slow(Duration::from_millis(pause))
    })?;
    let mut world = DownloadFixture::new()?;
    world.file("slow", &expected, &[&store.pfn("slow")]);
    world.file("good", &expected, &[&store.pfn("good")]);
    let outcome = fast(world.rucio(&["--transfer-speed-timeout", "100"])?)?.run()?;
    ended(&outcome, 76)?;
    let verdict = verdict(&outcome, "slow").with_context(|| outcome.stderr.clone())?;
    ensure!(verdict.contains("the transfer took longer than 65s"), "{verdict}");
    ensure!(store.asked("slow").len() == 2 && outcome.took > Duration::from_secs(6), "{:?}", outcome.took);
    world.arrived("good")
}

/// Doors queue a file, or have it staged from tape, before they send the first byte: after 80 seconds by that clock, and as long
/// in the middle.
#[test]
fn storage_that_is_silent_is_waited_for_as_long_as_the_user_says() -> Result<()> {
    let content = bytes(1, 100_000);
    let expected = content.clone();
    let silence = Duration::from_secs(4);
    let store = Store::start(move |asked, _| Reply::good(&content, asked).after(silence).slowly(60_000, silence))?;
    let mut world = DownloadFixture::new()?;
    world.file("f", &expected, &[&store.pfn("f")]);
    let outcome = fast(world.rucio(&["--transfer-timeout", "600"])?)?.run()?;
    ended(&outcome, 0)?;
    world.arrived("f")?;
    ensure!(store.asked("f").len() == 1, "{:?}\n{}", store.asked("f"), outcome.stderr);
    Ok(())
}
