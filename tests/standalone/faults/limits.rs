//! Machines without a free thread, and files without an end.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use anyhow::{Result, ensure};

use crate::fixtures::download::DownloadFixture;
use crate::fixtures::{Answer, Home, Server};
use crate::support::{Outcome, Rucio};

/// Runs the client where no thread can be started. The limit does not apply to root, who runs it as nobody.
fn without_threads(home: &Home, client: Rucio) -> Result<Outcome> {
    fs::set_permissions(home.path(), Permissions::from_mode(0o777))?;
    let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    let client = if rustix::process::geteuid().is_root() { client.started_by(&nobody) } else { client };
    client.started_by(&["prlimit", "--nproc=0:0"]).folder(home.path()).run()
}

#[test]
fn thread_that_cannot_be_started_is_an_error() -> Result<()> {
    let home = Home::new()?;
    let server = Server::start(|_, _| Answer::json(r#"{"account": "jdoe", "version": "41.5.1"}"#))?;
    for words in [&["checksum", "rucio.cfg"][..], &["ping"], &["whoami"], &["download", "s:n"]] {
        let client = server.client(&home)?.args(words);
        fs::set_permissions(home.path().join("rucio.cfg"), Permissions::from_mode(0o644))?;
        let outcome = without_threads(&home, client)?;
        ensure!(outcome.stderr.contains("Cannot start a thread"), "{words:?}: {outcome:?}");
        ensure!(!outcome.stderr.contains("panicked"), "{words:?}: {outcome:?}");
        ensure!(outcome.code == 1, "{words:?}: {outcome:?}");
    }
    ensure!(server.heard_in_all().is_empty());
    Ok(())
}

/// Each ends with a message after 64 MiB. Without a limit it would fill the memory.
#[test]
fn file_without_an_end_is_an_error() -> Result<()> {
    let world = DownloadFixture::new()?;
    let zero = "/dev/zero";
    for words in [
        &["download", "--metalink", zero][..],
        &["download", "--files-from", zero],
        &["did", "content", "add", "--to-did", "s:n", "--from-file", zero],
        &["admin", "data", "import", zero],
        &["lifetime-exception", "add", "--input-file", zero, "--reason", "r", "--expiration", "2030-01-01"],
        &["api", "POST", "x", "--input", zero],
        &["--config", zero, "whoami"],
        &["-S", "x509", "--certificate", zero, "whoami"],
    ] {
        // A gigabyte of addresses: a client that reads without a limit fails here, before the machine does.
        let client = world.client().args(words).started_by(&["prlimit", "--as=1073741824"]);
        let outcome = client.run()?;
        ensure!(outcome.code == 1 || outcome.code == 4, "{words:?}: {outcome:?}");
        ensure!(outcome.stderr.contains("more than 64 MiB"), "{words:?}: {outcome:?}");
    }
    Ok(())
}
