//! `root://` with real servers: reading. Files are written by `xrdcp`.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::fixtures::download::{DownloadFixture, bytes, ended, verdict};
use crate::fixtures::xrootd::{GridSite, SlowRelay, XrootdServer};
use crate::fixtures::{TODAY, random, wait_for};
use crate::support::{Outcome, var};

/// Number of moments at each server; set by the variable.
const MOMENTS: &str = "RUCIO_KILL_MOMENTS";
const FEW_MOMENTS: usize = 8;
const UNIX: &str = "xrootd.seclib libXrdSec.so\nsec.protocol unix\nsec.protbind * unix";

/// Downloads with no other program on PATH.
fn download(world: &DownloadFixture, words: &[&str]) -> Result<Outcome> {
    world.rucio(words)?.env("PATH", "/nowhere").run()
}

#[test]
fn xrootd_download_needs_no_program() -> Result<()> {
    for lines in ["", UNIX] {
        let server = XrootdServer::start(lines)?;
        let mut world = DownloadFixture::new()?;
        let sizes = [0, 1, 1_048_575, 1_048_576, 9_437_185];
        for (seed, size) in sizes.into_iter().enumerate() {
            let (name, content) = (format!("f{size}"), bytes(seed, size));
            server.put(&name, &content)?;
            world.file(&name, &content, &[&server.pfn(&name)]);
        }
        ended(&download(&world, &[])?, 0)?;
        for size in sizes {
            world.arrived(&format!("f{size}"))?;
        }
    }
    Ok(())
}

#[test]
fn xrootd_download_of_names_with_special_characters() -> Result<()> {
    let server = XrootdServer::start("")?;
    let mut world = DownloadFixture::new()?;
    for name in ["a b", "a%20b", "a+b", "a#b", "\u{e9}", "a;b", "deep//er/f", "a=b"] {
        let content = name.as_bytes();
        let place = server.place(name);
        fs::create_dir_all(place.parent().context("a folder")?)?;
        fs::write(place, content)?;
        let file = format!("f{}", content.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
        world.file(&file, content, &[&server.pfn(name)]);
    }
    ended(&download(&world, &[])?, 0)
}

#[test]
fn xrootd_download_of_2000_small_files() -> Result<()> {
    let server = XrootdServer::start("")?;
    let mut world = DownloadFixture::new()?;
    for number in 0..2_000 {
        let (name, content) = (format!("f{number}"), bytes(number, 100 + number));
        fs::write(server.place(&name), &content)?;
        world.file(&name, &content, &[&server.pfn(&name)]);
    }
    ended(&download(&world, &[])?, 0)?;
    (0..2_000).try_for_each(|number| world.arrived(&format!("f{number}")))
}

#[test]
fn xrootd_download_resumes_after_a_kill() -> Result<()> {
    let server = XrootdServer::start("")?;
    let content = bytes(1, 30_000_000);
    server.put("f", &content)?;
    let mut world = DownloadFixture::new()?;
    world.file("f", &content, &[&server.pfn("f")]);
    let rucio = world.rucio(&["--limit-rate", "5M"])?.env("PATH", "/nowhere");
    let mut child = rucio.command()?.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    wait_for("a partial file", || {
        let names = world.names()?;
        let part = names.iter().find(|name| name.ends_with(".rucio-part"));
        let size = part.and_then(|name| fs::metadata(world.place(name)).ok()).map_or(0, |part| part.len());
        Ok((size > 2_000_000).then_some(()))
    })?;
    kill_process(Pid::from_child(&child), Signal::KILL)?;
    child.wait()?;
    ensure!(!world.place("f").exists(), "it was fast");
    let outcome = download(&world, &[])?;
    ended(&outcome, 0)?;
    ensure!(outcome.stderr.contains("Resuming an earlier download"), "{}", outcome.stderr);
    ensure!(!outcome.stderr.contains("tarted over"), "{}", outcome.stderr);
    world.arrived("f")
}

/// At no moment there is a wrong byte under a final name.
#[test]
fn xrootd_download_killed_at_any_moment_is_completed() -> Result<()> {
    let moments = var(MOMENTS).map_or(Ok(FEW_MOMENTS), |text| text.parse())?;
    let site = GridSite::new()?;
    let (_, _, proxy) = site.user(TODAY)?;
    let variables = [("X509_CERT_DIR", site.ca()), ("X509_USER_PROXY", proxy)];
    for server in [XrootdServer::start("")?, site.gsi("gsi", "")?] {
        let mut world = DownloadFixture::new()?;
        let sizes = [("a", 9_000_000), ("b", 9_000_001), ("c", 800_000), ("d", 800_001)];
        for (seed, (name, size)) in sizes.into_iter().enumerate() {
            let content = bytes(seed, size);
            fs::write(server.place(name), &content)?;
            world.file(name, &content, &[&server.pfn(name)]);
        }
        let rucio = |words: &[&str]| {
            let rucio = world.rucio(words)?.env("PATH", "/nowhere");
            Ok::<_, anyhow::Error>(variables.iter().fold(rucio, |rucio, (name, value)| rucio.env(name, value)))
        };
        let mut random = random();
        for _ in 0..moments {
            let mut child = rucio(&["--limit-rate", "10M"])?.command()?;
            let mut child = child.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
            thread::sleep(Duration::from_millis(random.u64(20..900)));
            child.kill()?;
            child.wait()?;
            let present: Vec<_> = sizes.iter().filter(|(name, _)| world.place(name).exists()).collect();
            present.iter().try_for_each(|(name, _)| world.arrived(name))?;
            if present.len() == sizes.len() {
                // There would be nothing left to interrupt.
                present.into_iter().try_for_each(|(name, _)| fs::remove_file(world.place(name)))?;
            }
        }
        ended(&rucio(&[])?.run()?, 0)?;
        sizes.iter().try_for_each(|(name, _)| world.arrived(name))?;
    }
    Ok(())
}

#[test]
fn xrootd_large_file_is_read_over_several_sessions_if_one_is_slow() -> Result<()> {
    let server = XrootdServer::start("")?;
    let content = bytes(2, 24_000_000);
    server.put("f", &content)?;
    let relay = SlowRelay::start(server.port)?;
    let mut world = DownloadFixture::new()?;
    world.file("f", &content, &[&format!("root://localhost:{}//f", relay.port)]);
    ended(&download(&world, &[])?, 0)?;
    ensure!(relay.connections() > 3, "{} connections", relay.connections());
    world.arrived("f")
}

/// Error for error: the code in the message of xrdcp, if it has one, is in ours.
#[test]
fn xrootd_errors_are_those_of_xrdcp() -> Result<()> {
    let server = XrootdServer::start(UNIX)?;
    fs::create_dir(server.place("folder"))?;
    fs::write(server.place("locked"), "x")?;
    fs::set_permissions(server.place("locked"), Permissions::from_mode(0o000))?;
    for (name, code) in [("none", "[3011]"), ("folder", "[3016]"), ("locked", "[3010]"), ("none/../..", "[3010]")] {
        let theirs = std::process::Command::new("xrdcp").args(["--silent", &server.pfn(name), "-"]).output()?;
        let theirs = String::from_utf8_lossy(&theirs.stderr).into_owned();
        ensure!(theirs.contains(code) || name == "folder", "{name}: {theirs}");
        let mut world = DownloadFixture::new()?;
        world.file("f", b"x", &[&server.pfn(name)]);
        let outcome = download(&world, &[])?;
        ensure!(outcome.code != 0 && outcome.stderr.contains(code), "{name}: {code} {}", outcome.stderr);
        ensure!(!outcome.stderr.contains("Try 2/2"), "{name}: asked twice: {}", outcome.stderr);
        ensure!(world.names()?.is_empty(), "{:?}", world.names()?);
    }
    Ok(())
}

#[test]
fn xrootd_wrong_and_truncated_files_are_noticed_and_the_next_source_used() -> Result<()> {
    let server = XrootdServer::start("")?;
    let content = bytes(3, 100_000);
    let mut wrong = content.clone();
    wrong[77_777] ^= 1;
    let mut world = DownloadFixture::new()?;
    for (name, bad) in [("wrong", &wrong[..]), ("short", &content[..99_999]), ("long", &[&content[..], b"x"].concat())]
    {
        fs::write(server.place(name), bad)?;
        let good = format!("{name}.good");
        fs::write(server.place(&good), &content)?;
        world.file(name, &content, &[&server.pfn(name), &server.pfn(&good)]);
    }
    ended(&download(&world, &[])?, 0)?;
    ["wrong", "short", "long"].into_iter().try_for_each(|name| world.arrived(name))
}

/// The manager believes for a while that the first server has the file.
#[test]
fn xrootd_cluster_is_asked_for_another_server_if_one_fails() -> Result<()> {
    let (manager, servers) = XrootdServer::cluster(2)?;
    let content = bytes(4, 3_000_000);
    for server in &servers {
        fs::write(server.place("f"), &content)?;
    }
    for round in ["both", "one"] {
        let mut world = DownloadFixture::new()?;
        world.file("f", &content, &[&manager.pfn("f")]);
        let outcome = download(&world, &[])?;
        ended(&outcome, 0)?;
        world.arrived("f")?;
        ensure!(!outcome.stderr.contains("attempt failed"), "{round}: {}", outcome.stderr);
        if round == "both" {
            fs::remove_file(servers[0].place("f"))?;
        }
    }
    let mut world = DownloadFixture::new()?;
    world.file("f", b"x", &[&manager.pfn("none")]);
    let outcome = download(&world, &[])?;
    ensure!(verdict(&outcome, "f").is_some_and(|why| why.contains("[3011]")), "{}", outcome.stderr);
    Ok(())
}

/// Neither the archive nor its other members are downloaded.
#[test]
fn xrootd_member_of_a_zip_archive_is_read_without_the_archive() -> Result<()> {
    let server = XrootdServer::start("")?;
    let mut writer = zip::ZipWriter::new(fs::File::create(server.place("a.zip"))?);
    let mut world = DownloadFixture::new()?;
    let methods = [zip::CompressionMethod::Stored, zip::CompressionMethod::Deflated];
    for (seed, method) in methods.into_iter().enumerate() {
        for (name, size) in [("empty", 0), ("small", 1_000), ("large", 9_000_000)] {
            let (name, content) = (format!("{name}{seed}"), bytes(seed, size));
            writer.start_file(&*name, zip::write::SimpleFileOptions::default().compression_method(method))?;
            writer.write_all(&content)?;
            world.file(&name, &content, &[&format!("{}?xrdcl.unzip={name}", server.pfn("a.zip"))]);
        }
    }
    writer.finish()?;
    world.file("none", b"x", &[&format!("{}?xrdcl.unzip=none", server.pfn("a.zip"))]);
    let outcome = download(&world, &[])?;
    ensure!(verdict(&outcome, "none").is_some_and(|why| why.contains("is not in the archive")), "{}", outcome.stderr);
    for name in ["empty0", "small0", "large0", "empty1", "small1", "large1"] {
        world.arrived(name)?;
    }
    Ok(())
}
