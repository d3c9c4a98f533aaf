//! Reads `root://` and `xroot://` PFNs with the `xrdcp` program, which writes the file to its standard output.

use std::collections::HashMap;
use std::process::{ExitStatus, Stdio};
use std::sync::Mutex;

use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use futures_util::stream;
use tokio::io::{AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};

use super::address::{Address, Server};
use crate::lock::lock;
use crate::storage::{ObjectReader, Pfn, Result, ResumeFrom, Stat, Storage, StorageError, StorageErrorKind, boxed};

/// Block size in bytes.
const BLOCK: usize = 512 * 1024;

/// Client for servers reachable by `xrdcp`, which finds the user's proxy or token through the usual environment
/// variables.
#[derive(Debug, Default)]
pub struct XrootdProgram {
    /// Servers that ask for something that our own client does not have, with the reason.
    not_built: Mutex<HashMap<Server, String>>,
}

impl XrootdProgram {
    pub(super) fn remember(&self, server: &Server, reason: String) {
        lock(&self.not_built).insert(server.clone(), reason);
    }

    pub(super) fn is_needed_for(&self, server: &Server) -> bool {
        lock(&self.not_built).contains_key(server)
    }

    /// Adds to the error of a missing program why it is needed.
    pub(super) fn explain(&self, pfn: &Pfn, mut error: StorageError) -> StorageError {
        let reason = Address::parse(pfn).ok().and_then(|address| lock(&self.not_built).get(&address.server).cloned());
        if let (StorageErrorKind::Unsupported, Some(reason)) = (error.kind, reason) {
            error.message = format!("{reason}: {error}");
        }
        error
    }
}

impl Storage for XrootdProgram {
    fn stat<'a>(&'a self, _pfn: &'a Pfn) -> BoxFuture<'a, Result<Stat>> {
        Box::pin(async { Ok(Stat { bytes: None }) })
    }

    /// Always returns the whole file: the program cannot start at an offset.
    fn get<'a>(&'a self, pfn: &'a Pfn, _resume: Option<&'a ResumeFrom>) -> BoxFuture<'a, Result<ObjectReader>> {
        Box::pin(async move {
            let copy = Copy::start(pfn).map_err(|error| self.explain(pfn, error))?;
            let chunks =
                stream::try_unfold(copy, |mut copy| async move { Ok(copy.next().await?.map(|bytes| (bytes, copy))) });
            Ok(ObjectReader { length: None, start: 0, version: None, web_page_from: None, chunks: boxed(chunks) })
        })
    }
}

/// A running `xrdcp` process. Killed on drop.
struct Copy {
    process: Child,
    stdout: BufReader<ChildStdout>,
    stderr: ChildStderr,
}

impl Copy {
    fn start(pfn: &Pfn) -> Result<Self> {
        let mut process = Command::new("xrdcp")
            .args(["--silent", "--nopbar", pfn.as_str(), "-"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| match error.kind() {
                std::io::ErrorKind::NotFound => StorageError::unsupported("root"),
                _ => error.into(),
            })?;
        match (process.stdout.take(), process.stderr.take()) {
            (Some(stdout), Some(stderr)) => {
                Ok(Self { process, stdout: BufReader::with_capacity(BLOCK, stdout), stderr })
            }
            _ => Err(StorageError::new(StorageErrorKind::Refused, "xrdcp has no output")),
        }
    }

    /// Returns the next bytes, `None` at the end. Errors: the program's error message if it failed.
    async fn next(&mut self) -> Result<Option<Bytes>> {
        let mut bytes = BytesMut::with_capacity(BLOCK);
        if self.stdout.read_buf(&mut bytes).await? > 0 {
            return Ok(Some(bytes.freeze()));
        }
        let mut words = String::new();
        // The error output is only for the message; the exit status decides.
        let _ = self.stderr.read_to_string(&mut words).await;
        match self.process.wait().await? {
            status if status.success() => Ok(None),
            status => Err(failure(status, words.trim())),
        }
    }
}

/// Maps an error of the program to a kind. The numbers are from the XRootD protocol (kXR_NotFound, kXR_NotAuthorized).
fn failure(status: ExitStatus, words: &str) -> StorageError {
    let kind = match words {
        _ if words.contains("[3011]") => StorageErrorKind::NotFound,
        _ if words.contains("[3010]") => StorageErrorKind::Denied,
        _ => StorageErrorKind::Transient,
    };
    let said = words.lines().last().filter(|line| !line.is_empty());
    StorageError::new(kind, said.map_or_else(|| format!("xrdcp ended with {status}"), |line| format!("xrdcp: {line}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    #[test]
    fn xrootd_read_messages_are_classified() {
        let kind = |words| failure(ExitStatus::from_raw(54 << 8), words).kind;
        assert_eq!(
            kind("Run: [ERROR] Server responded with an error: [3011] Unable to open /x;"),
            StorageErrorKind::NotFound
        );
        assert_eq!(
            kind("Run: [ERROR] Server responded with an error: [3010] permission denied"),
            StorageErrorKind::Denied
        );
        assert_eq!(kind("Run: [FATAL] Connection error:  (source)"), StorageErrorKind::Transient);
        assert!(failure(ExitStatus::from_raw(9), "").message.contains("signal: 9"));
    }
}
