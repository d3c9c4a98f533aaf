//! Hostile folders of one's own: what is uploaded, and what is verified.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use anyhow::{Result, ensure};

use super::ended;
use super::names::good;
use super::site::{Catalogue, Site, content, found, lines, record};
use crate::fixtures::sandbox::{ODD_NAMES, Sandbox, fill};

/// A name that is not UTF-8 cannot be in the catalogue, which is reported before anything is sent.
#[test]
fn hostile_local_names_that_are_no_text_are_refused_before_any_request() -> Result<()> {
    let sandbox = Sandbox::new()?;
    let folder = sandbox.target().join("mine");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(OsStr::from_bytes(b"a\xff\x1b[2J")), "x")?;
    fs::write(folder.join(good(0)), content(0))?;
    let site = Site::start(Catalogue::default(), |_| {})?;
    let outcome =
        site.client()?.folder(&sandbox.target()).args(["upload", "--rse", "R", "--scope", "s", "mine"]).run()?;
    ensure!(outcome.code > 0 && outcome.stderr.contains("is not valid UTF-8"), "{outcome:?}");
    ended(&outcome, outcome.code)?;
    sandbox.is_untouched()
}

/// What is verified is read only, however odd the folder is.
#[test]
fn hostile_local_folder_is_verified_and_unchanged() -> Result<()> {
    let sandbox = Sandbox::new()?;
    let folder = sandbox.target().join("s");
    let _socket = fill(&folder, &good(0), &content(0))?;
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
    ensure!(lines.iter().filter(|line| line.starts_with("extra ")).count() > ODD_NAMES.len(), "{}", outcome.stdout);
    ensure!(lines.iter().any(|line| line.contains(" 1 ok")), "{}", outcome.stdout);
    ensure!(lines.iter().all(|line| !line.starts_with("2026-")), "{}", outcome.stdout);
    Ok(())
}
