//! Gives the program its target, whose OpenSSL it uses and, in release builds, its commit, for `rucio version`, and says what to
//! install if a program that builds OpenSSL is missing.
//!
//! Other builds do not name their commit: they would be compiled again after each commit.

#![allow(clippy::disallowed_methods, reason = "the environment has what cargo tells a build script")]

use std::path::Path;
use std::process::Command;
use std::{env, fs};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    check_tools();
    println!("cargo:rerun-if-env-changed=RUCIO_COMMIT");
    set("RUCIO_TARGET", env::var("TARGET").ok());
    // From openssl-sys: 1 if OpenSSL was built and is linked in.
    set("RUCIO_HAS_OPENSSL", env::var("DEP_OPENSSL_VENDORED").ok());
    let is_release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let commit = env::var("RUCIO_COMMIT").ok();
    set("RUCIO_COMMIT", commit.or_else(|| if is_release { packaged().or_else(git) } else { None }));
}

/// Reports a missing make or perl as what to install; OpenSSL's own build would only name the program.
fn check_tools() {
    let is_set = |name| env::var_os(name).is_some_and(|value| value != "0");
    if env::var_os("CARGO_FEATURE_STATIC").is_none() || is_set("OPENSSL_NO_VENDOR") {
        return;
    }
    let perl =
        ["OPENSSL_SRC_PERL", "PERL"].iter().find_map(|name| env::var(name).ok()).unwrap_or_else(|| "perl".to_owned());
    // Enterprise Linux has a perl without these modules, which OpenSSL's configuration needs.
    let modules = ["-MFindBin", "-MIPC::Cmd", "-MTime::Piece", "-e", "1", "--"];
    let tools = [("make", run("make", &["--version"])), ("perl with its modules", run(&perl, &modules))];
    let missing: Vec<_> = tools.iter().filter(|(_, output)| output.is_none()).map(|(name, _)| *name).collect();
    if !missing.is_empty() {
        println!(
            "cargo::error=OpenSSL cannot be built: no {}. Install `gcc make perl` (Debian, Ubuntu), `gcc make perl-core` (Enterprise \
             Linux, Fedora) or Xcode's command line tools (macOS); or link to the system's OpenSSL 3 with \
             `--no-default-features --features system-openssl`.",
            missing.join(", no ")
        );
    }
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
    let root = git_output(&["rev-parse", "--show-toplevel"])?;
    if fs::canonicalize(root).ok()? != fs::canonicalize(env::var("CARGO_MANIFEST_DIR").ok()?).ok()? {
        return None;
    }
    for path in ["HEAD", "logs/HEAD", "index"] {
        if let Some(path) = git_output(&["rev-parse", "--git-path", path]).filter(|path| Path::new(path).exists()) {
            println!("cargo:rerun-if-changed={path}");
        }
    }
    git_output(&["describe", "--always", "--exclude=*", "--abbrev=12", "--dirty"])
}

fn git_output(arguments: &[&str]) -> Option<String> {
    run("git", arguments).filter(|text| !text.is_empty())
}

/// Returns what the program printed, or nothing if it is missing or failed.
fn run(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
