//! Hostile folders of one's own: what is uploaded, and what is verified.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;

use anyhow::{Result, ensure};
use rustix::fs::{CWD, Mode, mkfifoat};

use super::ended;
use super::names::good;
use super::sandbox::Sandbox;
use super::site::{Catalogue, Site, content, found, lines, record};
use crate::fixtures::Home;
use crate::support::{Rucio, unique};

/// Names that a disk takes.
const NAMES: [&str; 12] = [
    "a\nb",
    "\x1b[2J",
    "a\tb",
    " ",
    "-rf",
    "--rse",
    "a:b",
    "*",
    "\u{202e}",
    "..x",
    "é",
    "2026-01-01 00:00:00,000\tINFO\tall is well",
];

/// A folder full of what one does not expect in a folder: names, links, a fifo, a socket.
fn fill(folder: &Path) -> Result<UnixListener> {
    fs::create_dir_all(folder)?;
    for name in NAMES {
        fs::write(folder.join(name), name)?;
    }
    fs::write(folder.join(good(0)), content(0))?;
    symlink("/dev/zero", folder.join("zero"))?;
    symlink("loop", folder.join("loop"))?;
    symlink("/nothing/there", folder.join("gone"))?;
    symlink("..", folder.join("up"))?;
    mkfifoat(CWD, folder.join("fifo"), Mode::from_raw_mode(0o600))?;
    Ok(UnixListener::bind(folder.join("socket"))?)
}

/// Fifos, sockets and devices are never opened: reading them would never end, or take something away from others. What
/// the server refuses for its name fails alone.
#[test]
fn a_folder_of_odd_things_is_uploaded_without_them() -> Result<()> {
    for recursive in [&["--recursive"][..], &[]] {
        let sandbox = Sandbox::new()?;
        let name = unique("odd-folder-");
        let folder = sandbox.target().join(&name);
        let _socket = fill(&folder)?;
        let fine = unique("odd-fine-");
        fs::write(folder.join(&fine), content(1))?;
        let home = Home::new()?;
        let rucio = || -> Result<Rucio> {
            let proxy = Home::certificate("jdoe.proxy.pem")?;
            let rucio = home.ours().config("userpass")?.folder(&sandbox.target());
            Ok(rucio.env("X509_USER_PROXY", &proxy.to_string_lossy()))
        };
        let words = ["upload", "--rse", "DAVS_SCRATCHDISK", "--scope", "user.jdoe", "--register-after-upload"];
        let outcome = rucio()?.args(words).args(recursive).args([&name]).run()?;
        ended(&outcome, 1)?;
        ensure!(outcome.stderr.contains(&format!("Successfully uploaded file {fine}")), "{}", outcome.stderr);
        for odd in ["fifo", "socket", "zero", "loop", "gone", "up"] {
            ensure!(!outcome.stderr.contains(&format!("for file {odd}\n")), "{odd}: {}", outcome.stderr);
        }
        sandbox.is_untouched()?;
        let poured = rucio()?.args(["cat", &format!("user.jdoe:{fine}")]).run()?;
        ensure!(poured.code == 0 && poured.stdout == content(1), "{poured:?}");
    }
    Ok(())
}

/// A name that is no text cannot be one of the catalogue, and is said so before anything is sent.
#[test]
fn names_that_are_no_text_are_refused_before_anything_is_sent() -> Result<()> {
    let sandbox = Sandbox::new()?;
    let folder = sandbox.target().join("mine");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(OsStr::from_bytes(b"a\xff\x1b[2J")), "x")?;
    fs::write(folder.join(good(0)), content(0))?;
    let site = Site::start(Catalogue::default(), |_| {})?;
    let outcome =
        site.client()?.folder(&sandbox.target()).args(["upload", "--rse", "R", "--scope", "s", "mine"]).run()?;
    ensure!(outcome.code > 0 && outcome.stderr.contains("has no name that is text"), "{outcome:?}");
    ended(&outcome, outcome.code)?;
    sandbox.is_untouched()
}

/// What is verified is read only, however odd the folder is.
#[test]
fn a_folder_of_odd_things_is_verified_and_stays_as_it_is() -> Result<()> {
    let sandbox = Sandbox::new()?;
    let folder = sandbox.target().join("s");
    let _socket = fill(&folder)?;
    fs::write(folder.join(OsStr::from_bytes(b"a\xff")), "x")?;
    let mut row = record(0, "s", &good(0));
    row["did_type"] = "FILE".into();
    let site =
        Site::start(Catalogue { found: lines(vec![found("s", "x", "FILE", 1)]), listed: lines(vec![row]) }, |_| {})?;
    let outcome = site.client()?.folder(&sandbox.target()).args(["verify", "s"]).run()?;
    ended(&outcome, 1)?;
    sandbox.is_untouched()?;
    ensure!(!outcome.stdout.contains(|c: char| c.is_control() && c != '\n'), "{}", outcome.stdout);
    let lines: Vec<_> = outcome.stdout.lines().collect();
    ensure!(lines.iter().filter(|line| line.starts_with("extra ")).count() > NAMES.len(), "{}", outcome.stdout);
    ensure!(lines.iter().any(|line| line.contains(" 1 ok")), "{}", outcome.stdout);
    ensure!(lines.iter().all(|line| !line.starts_with("2026-")), "{}", outcome.stdout);
    Ok(())
}
