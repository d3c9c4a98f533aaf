//! A script that decides by what is written to stderr, as harvesters of production systems do: it takes the same branches
//! with both clients.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::support::{Rucio, Testbed, unique};

/// Registers a dataset. It exists already: fine. Any other failure: reported, by the first line of the message.
const SCRIPT: &str = r#"
register() {
    if "$RUCIO" add-dataset "$1" >/dev/null 2>messages; then
        echo registered
    elif grep -q 'Data Identifier Already Exists' messages; then
        echo fine
    elif grep -q 'Access to the requested resource denied' messages; then
        echo denied
    else
        echo failed
    fi
}
register "$1"
register "$1"
register user.alice:"${1#*:}"
register "$1:more"
"#;

/// Runs the script with a client; returns the branches that it took.
fn branches(rucio: &Path) -> Result<String> {
    let work = tempfile::tempdir()?;
    fs::write(work.path().join("script"), SCRIPT)?;
    let output = Command::new("/bin/sh")
        .args(["script", &format!("user.jdoe:{}", unique("script"))])
        .current_dir(work.path())
        .env_clear()
        .envs([("PATH", "/usr/bin:/bin"), ("LANG", "C.UTF-8")])
        .env("HOME", work.path())
        .env("TMPDIR", work.path())
        .env("RUCIO", rucio)
        .env("RUCIO_CONFIG", Testbed::get()?.config("userpass")?)
        .stdin(Stdio::null())
        .output()
        .context("the script")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn script_that_reads_messages_takes_the_same_branches_with_both_clients() -> Result<()> {
    let official = branches(&Testbed::get()?.official()?)?;
    ensure!(official == "registered\nfine\ndenied\nfailed\n", "official client: {official}");
    let ours = branches(Path::new(&Rucio::path()))?;
    ensure!(ours == official, "{ours}");
    Ok(())
}
