//! Running the programs that write by protocols of their own.

use std::process::Stdio;

use tokio::process::Command;

use super::unwritable;
use crate::storage::{Kind, Result, StorageError};

/// How a program ended, and what it said.
#[derive(Debug)]
pub(super) struct Ended {
    /// The exit code; none if a signal ended it.
    pub(super) code: Option<i32>,
    /// Its standard output.
    pub(super) stdout: String,
    /// Its standard error.
    pub(super) stderr: String,
}

/// Runs a program to its end. Dropped, it is killed. Errors: it is not installed (`scheme` tells what to do then).
pub(super) async fn run(scheme: &str, program: &str, words: &[&str]) -> Result<Ended> {
    let output = Command::new(program).args(words).stdin(Stdio::null()).kill_on_drop(true).output().await;
    let output = output.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => unwritable(scheme),
        _ => error.into(),
    })?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Ended { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) })
}

impl Ended {
    /// Its standard output, if it succeeded. Errors: its last words, as a failure of the kind that `kind` takes
    /// them for.
    pub(super) fn succeeded(self, program: &str, kind: impl FnOnce(&Self) -> Kind) -> Result<String> {
        if self.code == Some(0) {
            return Ok(self.stdout);
        }
        let said = self.stderr.lines().map(str::trim).rfind(|line| !line.is_empty());
        let said = said.map_or_else(|| format!("ended with {:?}", self.code), str::to_owned);
        Err(StorageError::new(kind(&self), format!("{program}: {said}")))
    }
}
