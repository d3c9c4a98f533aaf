//! A person's terminal: tmux with a shell in it, into which keys are typed and whose screen is read.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use super::{Home, USER, wait_for};
use crate::support::var;

/// A tmux server of its own with one window of 120 columns. It ends with this.
#[derive(Debug)]
pub(crate) struct Tmux {
    socket: PathBuf,
    folder: PathBuf,
}

impl Tmux {
    /// Starts `shell` in this home, where `rucio` and `rucio-admin` are ours.
    pub(crate) fn start(home: &Home, variables: &[(&str, &str)], shell: &str) -> Result<Self> {
        let bin = home.path().join("bin");
        std::fs::create_dir_all(&bin)?;
        let ours = var("RUCIO_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_rucio").to_owned());
        for name in ["rucio", "rucio-admin"] {
            std::os::unix::fs::symlink(&ours, bin.join(name)).context("linking the program")?;
        }
        let tmux = Self { socket: home.path().join("tmux"), folder: home.path().to_owned() };
        let path = format!("{}:/usr/bin:/bin", bin.display());
        let mut command = tmux.command();
        command.env("PATH", &path).env("HOME", home.path()).env("TMPDIR", home.path()).env("LOGNAME", USER);
        command.env("LANG", "C.UTF-8").env("TERM", "xterm").envs(variables.iter().copied());
        command.args(["-f", "/dev/null", "new-session", "-d", "-x", "120", "-y", "50", shell]);
        let output = command.output().context("starting tmux")?;
        ensure!(output.status.success(), "tmux: {}", String::from_utf8_lossy(&output.stderr));
        Ok(tmux)
    }

    fn command(&self) -> Command {
        let mut command = Command::new("tmux");
        command.env_clear().env("PATH", "/usr/bin:/bin").current_dir(&self.folder).arg("-S").arg(&self.socket);
        command
    }

    /// Types text.
    pub(crate) fn type_text(&self, text: &str) -> Result<()> {
        self.send(&["-l", text])
    }

    /// Presses a key: `Tab`, `Enter`, `C-u` …
    pub(crate) fn press(&self, key: &str) -> Result<()> {
        self.send(&[key])
    }

    fn send(&self, arguments: &[&str]) -> Result<()> {
        let status = self.command().arg("send-keys").args(arguments).status()?;
        ensure!(status.success(), "send-keys {arguments:?}: {status}");
        Ok(())
    }

    /// Makes the window so many columns wide and so many lines high.
    pub(crate) fn resize(&self, columns: u16, lines: u16) -> Result<()> {
        let (columns, lines) = (columns.to_string(), lines.to_string());
        let status = self.command().args(["resize-window", "-x", &columns, "-y", &lines]).status()?;
        ensure!(status.success(), "resize-window: {status}");
        Ok(())
    }

    /// What stands on the screen now, without the blanks at the ends of lines.
    pub(crate) fn screen(&self) -> Result<String> {
        let output = self.command().args(["capture-pane", "-p"]).output()?;
        ensure!(output.status.success(), "capture-pane: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }

    /// Waits until the screen is as it should be.
    pub(crate) fn wait_until(&self, what: &str, is_so: impl Fn(&str) -> bool) -> Result<String> {
        let seen = wait_for(what, || Ok(Some(self.screen()?).filter(|screen| is_so(screen))));
        match seen {
            Ok(screen) => Ok(screen),
            Err(error) => bail!("{error}; the screen:\n{}", self.screen()?),
        }
    }

    /// Waits until this text is on the screen.
    pub(crate) fn wait_for(&self, text: &str) -> Result<String> {
        self.wait_until(text, |screen| screen.contains(text))
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.command().arg("kill-server").output();
    }
}
