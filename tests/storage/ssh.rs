//! scp, sftp and rsync PFNs: through a real sshd, and through programs that replace `ssh`.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::fixtures::{Home, wait_for};
use crate::support::{Outcome, Rucio, Testbed};

/// A home with a folder that is first in PATH.
struct Fixture {
    home: Home,
    programs: PathBuf,
}

impl Fixture {
    /// With the testbed's `ssh`, which has the key.
    fn new() -> Result<Self> {
        let programs = Path::new(Testbed::get()?.value("DIR")?).join("bin");
        Ok(Self { home: Home::new()?, programs })
    }

    /// With an `ssh` of our own.
    fn with(script: &str) -> Result<Self> {
        let home = Home::new()?;
        let programs = home.path().join("programs");
        fs::create_dir(&programs)?;
        fs::write(programs.join("ssh"), format!("#!/bin/sh\n{script}\n"))?;
        fs::set_permissions(programs.join("ssh"), Permissions::from_mode(0o755))?;
        Ok(Self { home, programs })
    }

    fn rucio(&self) -> Result<Rucio> {
        let path = format!("{}:/usr/bin:/bin", self.programs.display());
        Ok(self.home.ours().config("userpass")?.folder(self.home.path()).env("PATH", &path))
    }

    fn download(&self, words: &[&str]) -> Result<Outcome> {
        self.rucio()?.args(["download", "--no-subdir"]).args(words).run()
    }

    /// Downloads this local file as test:one-ssh.dat.
    fn fetch(&self, scheme: &str, path: &str, words: &[&str]) -> Result<Outcome> {
        let pfn = format!("{scheme}://localhost:{}{path}", port()?);
        let fixed = ["--pfn", &pfn, "--rses", "SSH", "test:one-ssh.dat"];
        self.download(&[&fixed[..], words].concat())
    }

    fn fetched(&self) -> Result<Vec<u8>> {
        Ok(fs::read(self.home.path().join("one-ssh.dat"))?)
    }

    /// Whether nothing of a download has been left.
    fn is_clean(&self) -> Result<bool> {
        let names = fs::read_dir(self.home.path())?.map(|entry| Ok(entry?.file_name()));
        let names = names.collect::<Result<Vec<_>>>()?;
        Ok(!names.iter().any(|name| name.to_string_lossy().starts_with("one-ssh")))
    }
}

fn port() -> Result<&'static str> {
    Testbed::get()?.value("SSH_PORT")
}

/// The path of test:one-ssh.dat.
fn stored() -> Result<String> {
    Ok(format!("{}/scp/test/49/ee/one-ssh.dat", Testbed::get()?.value("STORAGE")?))
}

fn expect(outcome: &Outcome, code: i32, part: &str) -> Result<()> {
    let (stdout, stderr) = (&outcome.stdout, &outcome.stderr);
    ensure!(outcome.code == code, "{} instead of {code}\n{stdout}\n{stderr}", outcome.code);
    ensure!(stderr.contains(part), "{part} is not in\n{stdout}\n{stderr}");
    Ok(())
}

#[test]
fn ssh_download_works_by_all_three_schemes() -> Result<()> {
    let fixture = Fixture::new()?;
    expect(&fixture.download(&["test:one-ssh.dat"])?, 0, "Trying to download with scp")?;
    ensure!(fixture.fetched()? == fs::read(stored()?)?);
    for scheme in ["scp", "sftp", "rsync"] {
        let fixture = Fixture::new()?;
        expect(&fixture.fetch(scheme, &stored()?, &[])?, 0, "successfully downloaded")?;
        ensure!(fixture.fetched()? == fs::read(stored()?)?, "{scheme}");
    }
    Ok(())
}

#[test]
fn ssh_download_of_a_large_and_an_empty_file() -> Result<()> {
    let fixture = Fixture::new()?;
    let large: Vec<u8> = (0..20_000_003_u32).map(|place| (place / 5) as u8).collect();
    for bytes in [&large[..], b""] {
        let path = fixture.home.path().join("source");
        fs::write(&path, bytes)?;
        expect(&fixture.fetch("scp", &path.to_string_lossy(), &["--ignore-checksum"])?, 0, "")?;
        ensure!(fixture.fetched()? == bytes, "{} bytes", bytes.len());
        fs::remove_file(fixture.home.path().join("one-ssh.dat"))?;
    }
    Ok(())
}

#[test]
fn ssh_names_are_neither_commands_nor_options() -> Result<()> {
    let fixture = Fixture::new()?;
    for name in ["a b;touch here", "$(touch here)", "`touch here`", "-oProxyCommand=touch here", "q'\"?#%20*é\n"] {
        let path = fixture.home.path().join(name);
        fs::write(&path, name)?;
        expect(&fixture.fetch("scp", &path.to_string_lossy(), &["--ignore-checksum"])?, 0, "")?;
        ensure!(fixture.fetched()? == name.as_bytes(), "{name}");
        fs::remove_file(fixture.home.path().join("one-ssh.dat"))?;
    }
    for host in ["-oProxyCommand=touch here", "-oProxyCommand=touch${IFS}here", "$(touch here)"] {
        let pfn = format!("scp://{host}/x");
        let outcome = fixture.download(&["--pfn", &pfn, "--rses", "SSH", "test:one-ssh.dat"])?;
        expect(&outcome, 1, "is not the address of a file behind ssh")?;
    }
    ensure!(!fixture.home.path().join("here").exists());
    Ok(())
}

#[test]
fn ssh_failures_are_told_apart() -> Result<()> {
    let fixture = Fixture::new()?;
    let missing = fixture.fetch("scp", "/no/such/file", &[])?;
    expect(&missing, 1, "sftp: no such file")?;
    ensure!(!missing.stderr.contains("Try 2/2"), "a missing file is asked for twice: {}", missing.stderr);
    expect(&fixture.fetch("scp", "/tmp", &[])?, 1, "is not a regular file")?;
    fs::write(fixture.home.path().join("other"), vec![b'?'; 100_000])?;
    let other = fixture.home.path().join("other");
    expect(&fixture.fetch("scp", &other.to_string_lossy(), &[])?, 1, "Checksum validation failed")?;
    let unreachable = ["--pfn", "scp://localhost:1/x", "--rses", "SSH", "test:one-ssh.dat"];
    expect(&fixture.download(&unreachable)?, 1, "Connection refused")?;
    ensure!(fixture.is_clean()?);
    Ok(())
}

#[test]
fn ssh_unknown_host_and_refused_key_have_hints() -> Result<()> {
    let port = port()?;
    let strict = "-F none -oUserKnownHostsFile=/dev/null -oGlobalKnownHostsFile=/dev/null -oStrictHostKeyChecking=yes";
    let fixture = Fixture::with(&format!("exec /usr/bin/ssh {strict} \"$@\""))?;
    let unknown = fixture.fetch("scp", &stored()?, &[])?;
    expect(&unknown, 1, &format!("take its key once with: ssh -p {port} localhost"))?;
    let keyless = "-F none -oUserKnownHostsFile=/dev/null -oStrictHostKeyChecking=no -oIdentitiesOnly=yes -i /dev/null";
    let fixture = Fixture::with(&format!("exec /usr/bin/ssh {keyless} \"$@\""))?;
    let keyless = fixture.fetch("scp", &stored()?, &[])?;
    expect(&keyless, 1, "load your key with ssh-add")?;
    ensure!(!keyless.stderr.contains("Try 2/2"), "{}", keyless.stderr);
    Ok(())
}

#[test]
fn ssh_that_is_not_installed_is_named() -> Result<()> {
    let fixture = Fixture::new()?;
    let rucio = fixture.rucio()?.env("PATH", "/nowhere");
    let outcome = rucio.args(["download", "test:one-ssh.dat"]).run()?;
    expect(&outcome, 1, "ssh is not installed (Debian: openssh-client)")
}

#[test]
fn ssh_host_that_is_silent_or_talks_nonsense_is_given_up() -> Result<()> {
    let fixture = Fixture::with("exec sleep 600")?;
    let silent = fixture.fetch("scp", "/x", &["--transfer-timeout", "1"])?;
    expect(&silent, 1, "the transfer took longer than 1s")?;
    for nonsense in ["echo Welcome to this host; sleep 1", "head -c 100000 /dev/zero", "printf '\\0\\0\\0\\5\\2'"] {
        expect(&Fixture::with(nonsense)?.fetch("scp", "/x", &[])?, 1, "Download attempt failed")?;
    }
    Ok(())
}

#[test]
fn ssh_copy_program_ends_at_ctrl_c() -> Result<()> {
    let fixture = Fixture::with("echo $$ > pid.new; mv pid.new pid; exec sleep 600")?;
    let path = format!("{}:/usr/bin:/bin", fixture.programs.display());
    let download = fixture.home.ours().config("userpass")?.env("PATH", &path).args(["download", "test:one-ssh.dat"]);
    let mut running = download.command()?.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let pid_of = |path: PathBuf| Ok(fs::read_to_string(path).ok());
    let copier = wait_for("the stand-in for ssh", || pid_of(fixture.home.path().join("pid")))?;
    let copier = Pid::from_raw(copier.trim().parse()?).context("no pid")?;
    kill_process(Pid::from_child(&running), Signal::INT)?;
    let code = running.wait()?.code();
    ensure!(code == Some(130), "{code:?}");
    wait_for("the end of the stand-in", || Ok(test_kill_process(copier).is_err().then_some(())))?;
    ensure!(fixture.is_clean()?);
    Ok(())
}
