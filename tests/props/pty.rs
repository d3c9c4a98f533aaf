//! A terminal with a program on it.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result, ensure};
use regex::Regex;
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};

use super::{Home, SIGNALS, USER, wait_for};
use crate::support::{Outcome, Secrets, Testbed, var};

/// A program on a terminal of its own, which is also its controlling terminal.
#[derive(Debug)]
pub(crate) struct Pty {
    child: Child,
    keyboard: File,
    screen: Arc<Mutex<Vec<u8>>>,
    home: PathBuf,
}

impl Pty {
    /// Starts our client in this home.
    pub(crate) fn ours(home: &Home, variables: &[(&str, &str)], arguments: &[&str]) -> Result<Self> {
        let ours = var("RUCIO_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_rucio").to_owned());
        Self::start(Path::new(&ours), home, variables, arguments)
    }

    /// Starts the official client in this home.
    pub(crate) fn official(home: &Home, variables: &[(&str, &str)], arguments: &[&str]) -> Result<Self> {
        Self::start(&Testbed::get()?.official()?, home, variables, arguments)
    }

    fn start(program: &Path, home: &Home, variables: &[(&str, &str)], arguments: &[&str]) -> Result<Self> {
        // Programs that other tests start meanwhile must not hold this terminal open.
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&keyboard)?;
        unlockpt(&keyboard)?;
        let name = ptsname(&keyboard, Vec::new())?;
        let screen: File =
            rustix::fs::open(&name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?.into();
        let mut command = Command::new("setsid");
        command.args(["--ctty", "--wait", "/usr/bin/env", SIGNALS]).arg(program).args(arguments);
        command.env_clear().env("PATH", "/usr/bin:/bin").env("LANG", "C.UTF-8").env("TERM", "xterm");
        command.env("HOME", home.path()).env("TMPDIR", home.path()).env("LOGNAME", USER);
        command.envs(variables.iter().copied()).current_dir(home.path());
        command.stdin(screen.try_clone()?).stdout(screen.try_clone()?).stderr(screen);
        let child = command.spawn().context("starting setsid")?;
        // The command holds our ends of the program's side, which must close for the screen to end.
        drop(command);
        let (keyboard, screen) = (File::from(keyboard), Arc::default());
        let (mut output, shown) = (keyboard.try_clone()?, Arc::clone(&screen));
        thread::spawn(move || watch(&mut output, &shown));
        Ok(Self { child, keyboard, screen, home: home.path().to_owned() })
    }

    /// All that was shown so far.
    pub(crate) fn screen(&self) -> String {
        String::from_utf8_lossy(&self.screen.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    /// Waits until the pattern is on the screen; gives its first group, or all of it.
    pub(crate) fn wait_for(&self, pattern: &str) -> Result<String> {
        let pattern = Regex::new(pattern)?;
        let found = wait_for(pattern.as_str(), || {
            let screen = self.screen();
            let found = pattern.captures(&screen);
            Ok(found.and_then(|groups| groups.get(1).or(groups.get(0)).map(|group| group.as_str().to_owned())))
        });
        found.with_context(|| format!("on the screen:\n{}", self.screen()))
    }

    /// Waits until what is typed is not shown: a question for a secret.
    pub(crate) fn wait_for_secrecy(&self) -> Result<()> {
        wait_for("the terminal to show nothing that is typed", || Ok((!self.echoes()?).then_some(())))
    }

    /// Waits until what is typed is shown again.
    pub(crate) fn wait_for_echo(&self) -> Result<()> {
        wait_for("the terminal to show what is typed", || Ok(self.echoes()?.then_some(())))
    }

    fn echoes(&self) -> Result<bool> {
        Ok(tcgetattr(&self.keyboard)?.local_modes.contains(LocalModes::ECHO))
    }

    /// Types.
    pub(crate) fn type_in(&mut self, text: &str) -> Result<()> {
        Ok(self.keyboard.write_all(text.as_bytes())?)
    }

    /// Waits for the end; gives the exit code, as a shell shows it, and the whole screen.
    pub(crate) fn end(mut self) -> Result<(i32, String)> {
        let status = wait_for("the end of the program", || Ok(self.child.try_wait()?))
            .with_context(|| format!("on the screen:\n{}", self.screen()))?;
        // The reader is done when it lets go of its share.
        wait_for("the end of the screen", || Ok((Arc::strong_count(&self.screen) == 1).then_some(())))?;
        let mut secrets = Secrets::default();
        secrets.tokens_below(&self.home);
        let shown = Outcome { stdout: self.screen(), ..Outcome::default() };
        ensure!(secrets.shown_in(&shown, false).is_none(), "a token is on the screen:\n{}", self.screen());
        Ok((shell_code(status), self.screen()))
    }
}

/// The exit code; 128 and the number of the signal if one ended the program.
pub(crate) fn shell_code(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(-1)
}

/// Ends what a failed test leaves behind.
impl Drop for Pty {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads until the last program has let go of the terminal, which reads as an error.
fn watch(output: &mut File, screen: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = output.read(&mut buffer) {
        screen.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&buffer[..length]);
    }
}
