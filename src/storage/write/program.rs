//! Runs external programs that transfer files.

use std::process::Stdio;

use tokio::process::Command;

use super::unwritable;
use crate::storage::{Result, StorageError, StorageErrorKind};

/// Result of a program.
#[derive(Debug)]
pub(super) struct ProgramOutput {
    /// Exit code; `None` if it was killed by a signal.
    pub(super) code: Option<i32>,
    /// Standard output.
    pub(super) stdout: String,
    /// Standard error.
    pub(super) stderr: String,
}

/// Runs a program until it ends. Kills it on drop. Errors: it is not installed (`scheme` selects the advice).
pub(super) async fn run(scheme: &str, program: &str, words: &[&str]) -> Result<ProgramOutput> {
    let output = Command::new(program).args(words).stdin(Stdio::null()).kill_on_drop(true).output().await;
    let output = output.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => unwritable(scheme),
        _ => error.into(),
    })?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(ProgramOutput { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) })
}

impl ProgramOutput {
    /// Returns the standard output if the program succeeded. Errors: the last line of its standard error, with the kind
    /// that `kind` derives.
    pub(super) fn into_stdout(self, program: &str, kind: impl FnOnce(&Self) -> StorageErrorKind) -> Result<String> {
        if self.code == Some(0) {
            return Ok(self.stdout);
        }
        let stdout = self.stderr.lines().map(str::trim).rfind(|line| !line.is_empty());
        let stdout = stdout.map_or_else(|| format!("ended with {:?}", self.code), str::to_owned);
        Err(StorageError::new(kind(&self), format!("{program}: {stdout}")))
    }
}
