//! Gives the program its target and, in release builds, its commit, for `rucio version`.
//!
//! Other builds do not name their commit: they would be compiled again after each commit.

#![allow(clippy::disallowed_methods, reason = "the environment has what cargo tells a build script")]

use std::path::Path;
use std::process::Command;
use std::{env, fs};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=RUCIO_COMMIT");
    set("RUCIO_TARGET", env::var("TARGET").ok());
    let is_release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let commit = env::var("RUCIO_COMMIT").ok();
    set("RUCIO_COMMIT", commit.or_else(|| if is_release { packaged().or_else(git) } else { None }));
}

/// Sets a variable for `env!` in the program; empty if the value is unknown.
fn set(name: &str, value: Option<String>) {
    println!("cargo:rustc-env={name}={}", value.unwrap_or_default());
}

/// Returns the commit that a published crate was packaged from; cargo writes it.
fn packaged() -> Option<String> {
    let info = fs::read_to_string(".cargo_vcs_info.json").ok()?;
    let (_, rest) = info.split_once("\"sha1\"")?;
    let commit = rest.split('"').nth(1)?;
    Some(commit.chars().take(12).collect())
}

/// Returns the commit of the repository that is being built, with `-dirty` if files differ from it.
fn git() -> Option<String> {
    // A crate that lies in another repository does not belong to its commits.
    let root = run(&["rev-parse", "--show-toplevel"])?;
    if fs::canonicalize(root).ok()? != fs::canonicalize(env::var("CARGO_MANIFEST_DIR").ok()?).ok()? {
        return None;
    }
    for path in ["HEAD", "logs/HEAD", "index"] {
        if let Some(path) = run(&["rev-parse", "--git-path", path]).filter(|path| Path::new(path).exists()) {
            println!("cargo:rerun-if-changed={path}");
        }
    }
    run(&["describe", "--always", "--exclude=*", "--abbrev=12", "--dirty"])
}

fn run(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned()).filter(|text| !text.is_empty())
}
