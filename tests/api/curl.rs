//! curl, the measure of `rucio api`, and our program with its standard input and output as bytes.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::fixtures::Home;
use crate::support::Testbed;

/// jdoe's session: a home with a token that both programs use.
pub(super) struct Session {
    home: Home,
    token: String,
    scratch: TempDir,
}

impl Session {
    pub(super) fn new() -> Result<Self> {
        Self::of("userpass")
    }

    /// A session by this configuration of jdoe's.
    pub(super) fn of(config: &str) -> Result<Self> {
        let home = Home::new()?;
        let outcome = home.ours().config(config)?.args(["whoami"]).run()?;
        ensure!(outcome.code == 0, "{outcome:?}");
        Ok(Self { token: home.token()?, home, scratch: tempfile::tempdir()? })
    }

    pub(super) fn home(&self) -> &Home {
        &self.home
    }

    pub(super) fn token(&self) -> &str {
        &self.token
    }

    /// `rucio api` with these words.
    pub(super) fn ours(&self, words: &[&str]) -> Result<Output> {
        output(self.command(words)?.stdin(Stdio::null()))
    }

    /// The same with this on its standard input, by a pipe.
    pub(super) fn piped(&self, words: &[&str], input: &[u8]) -> Result<Output> {
        let mut command = self.command(words)?;
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        std::io::Write::write_all(&mut child.stdin.take().context("no stdin")?, input)?;
        Ok(child.wait_with_output()?)
    }

    /// `rucio api` with these words, not yet started.
    pub(super) fn command(&self, words: &[&str]) -> Result<Command> {
        self.home.ours().config("userpass")?.args(["api"]).args(words).command()
    }

    /// curl with the token, for a path below the server's address.
    pub(super) fn curl(&self, options: &[&str], path: &str) -> Result<Output> {
        let testbed = Testbed::get()?;
        let mut command = Command::new("curl");
        command.args(["-sS", "-L", "--cacert", &format!("{}/ca.pem", testbed.value("CERTS")?)]);
        command.args(["-H", &format!("X-Rucio-Auth-Token: {}", self.token)]).args(options);
        output(command.arg(format!("{}/{path}", testbed.value("URL")?)).stdin(Stdio::null()))
    }

    /// A file with these bytes.
    pub(super) fn file(&self, name: &str, bytes: &[u8]) -> Result<PathBuf> {
        let path = self.scratch.path().join(name);
        std::fs::write(&path, bytes)?;
        Ok(path)
    }

    /// An open file with these bytes.
    pub(super) fn open(&self, name: &str, bytes: &[u8]) -> Result<File> {
        Ok(File::open(self.file(name, bytes)?)?)
    }
}

fn output(command: &mut Command) -> Result<Output> {
    command.output().with_context(|| format!("{command:?}"))
}

/// Standard error as text.
pub(super) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Standard output as text.
pub(super) fn shown(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}
