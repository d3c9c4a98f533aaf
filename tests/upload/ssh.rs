//! Uploads to hosts behind sshd.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use anyhow::{Result, ensure};

use super::{Fixture, expect, found, storage};
use crate::differential::the_only_run;
use crate::support::{Testbed, unique};

/// An `ssh` that starts nothing but the SFTP subsystem, as an account without a shell.
fn sftp_only(fixture: &Fixture) -> Result<String> {
    let (programs, ssh) = (fixture.home.path().join("programs"), Testbed::get()?.value("DIR")?);
    let script = format!("#!/bin/sh\ncase \" $* \" in *' -s '*' sftp ') exec {ssh}/bin/ssh \"$@\";; esac\nexit 1\n");
    fs::create_dir(&programs)?;
    fs::write(programs.join("ssh"), script)?;
    fs::set_permissions(programs.join("ssh"), Permissions::from_mode(0o755))?;
    Ok(programs.to_string_lossy().into_owned())
}

#[test]
fn ssh_upload_needs_sftp_only_under_all_three_names_of_the_protocol() -> Result<()> {
    let _only = the_only_run();
    let fixture = Fixture::new("root")?;
    let path = sftp_only(&fixture)?;
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
    let both = r#"{"wan": {"read": 1, "write": 1, "delete": 1}}"#;
    let prefix = storage("scp")?.join(&fixture.new).display().to_string();
    let port = Testbed::get()?.value("SSH_PORT")?;
    let rest = ["--hostname", "localhost", "--port", port, "--prefix", &prefix, "--domain-json", both];
    for scheme in ["scp", "sftp", "rsync"] {
        let (rse, name) = (unique("SSH").to_uppercase(), format!("a b;$(touch x).{scheme}"));
        fs::write(fixture.folder.join("local"), &bytes)?;
        let run = |words: &[&str]| expect(&fixture.rucio()?.args(["rse"]).args(words).run()?, 0);
        run(&["add", &rse])?;
        let class = ["--scheme", scheme, "--impl", "rucio.rse.protocols.ssh.Default"];
        run(&[&["protocol", "add", &rse], &rest[..], &class[..]].concat())?;
        let target = format!("{scheme}://localhost:{port}{prefix}/{name}");
        let words = ["upload", "--rse", &rse, "--scope", &fixture.scope, "--pfn", &target, "--lfn", &fixture.new];
        let upload = || fixture.rucio()?.env("PATH", &path).args(words).args(["local"]).run();
        let first = upload()?;
        fs::write(fixture.folder.join("local"), vec![b'?'; bytes.len()])?;
        let second = upload()?;
        run(&["remove", &rse])?;
        expect(&first, 0)?;
        let lying = found(&storage("scp")?.join(&fixture.new), &name)?;
        ensure!(lying.len() == 1, "{scheme}: {lying:?}");
        ensure!(fs::read(&lying[0])? == bytes, "{scheme}: other bytes\n{}", second.stderr);
    }
    ensure!(!fixture.folder.join("x").exists(), "a name was run as a command");
    Ok(())
}
