//! Writes to `scp://` and `rsync://` PFNs with the programs `ssh` and `scp`, which use the user's keys and
//! configuration.

use std::path::Path;

use futures_util::future::BoxFuture;

use super::program::{ProgramOutput, run};
use super::{Lock, Sent, StorageWriter, Stored, already_exists};
use crate::storage::{Result, StorageError, StorageErrorKind};

/// Batch mode, because several programs run at a time; keep-alives detect dead hosts.
const SSH_OPTIONS: [&str; 6] = ["-o", "BatchMode=yes", "-o", "ConnectTimeout=30", "-o", "ServerAliveInterval=15"];
/// Exit codes of our remote commands: file not found, and file exists.
const NOT_THERE: i32 = 66;
const IN_THE_WAY: i32 = 73;
/// Output of the remote command if the rename used a hard link.
const LINKED: &str = "linked";
/// Exit code of `ssh` for its own errors.
const NO_CONNECTION: i32 = 255;

/// Client for hosts reachable by `ssh`.
#[derive(Debug)]
pub(super) struct SshPrograms;

impl StorageWriter for SshPrograms {
    fn inspect<'a>(&'a self, pfn: &'a str) -> BoxFuture<'a, Result<Option<Stored>>> {
        Box::pin(async move {
            let at = SshTarget::parse(pfn)?;
            let path = quoted(at.path);
            let script = format!("test -e {path} || exit {NOT_THERE}; stat -L -c %s {path} && md5sum {path}");
            match at.run(&script).await {
                Ok(stdout) => Ok(Some(stored(&stdout))),
                Err(error) if error.kind == StorageErrorKind::NotFound => Ok(None),
                Err(error) => Err(error),
            }
        })
    }

    fn inspection_method(&self) -> &'static str {
        "stat and md5sum"
    }

    fn put<'a>(&'a self, from: &'a Path, pfn: &'a str, sent: &'a Sent) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let at = SshTarget::parse(pfn)?;
            let bytes = std::fs::metadata(from)?.len();
            let folder = at.path.rsplit_once('/').map_or("/", |(folder, _)| folder);
            at.run(&format!("mkdir -p {}", quoted(folder))).await?;
            // scp would take a name with a colon for a remote host.
            let from = std::path::absolute(from)?;
            let (from, to) = (from.to_string_lossy(), format!("{}:{}", at.host, at.path));
            let words: Vec<_> = SSH_OPTIONS.into_iter().chain(["-q", "-P", at.port, &from, &to]).collect();
            run("scp", "scp", &words).await?.into_stdout("scp", kind)?;
            sent.set_taken(bytes);
            Ok(())
        })
    }

    /// Renames by a hard link, which fails if the name exists. Falls back to `mv -n`, which may not be exclusive.
    fn rename<'a>(&'a self, from: &'a str, to: &'a str) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            let (at, target) = (SshTarget::parse(from)?, quoted(SshTarget::parse(to)?.path));
            let from = quoted(at.path);
            let taken = format!("test -e {target} && exit {IN_THE_WAY}");
            let link = format!("ln {from} {target} && rm {from} && echo {LINKED} && exit 0");
            let script =
                format!("{taken}; {link}; {taken}; mv -n {from} {target}; test -e {from} || exit 0; {taken}; exit 1");
            match at.run(&script).await {
                Err(error) if error.kind == StorageErrorKind::AlreadyExists => Err(already_exists(to)),
                stdout => Ok(stdout?.contains(LINKED)),
            }
        })
    }

    fn needs_lock(&self) -> bool {
        false
    }

    fn lock<'a>(&'a self, pfn: &'a str) -> BoxFuture<'a, Result<Lock>> {
        Box::pin(async move {
            let at = SshTarget::parse(pfn)?;
            let path = quoted(at.path);
            match at.run(&format!("mkdir {path} && exit 0; test -e {path} && exit {IN_THE_WAY}; exit 1")).await {
                Ok(_) => Ok(Lock::Held(pfn.to_owned())),
                Err(error) if error.kind == StorageErrorKind::AlreadyExists => Ok(Lock::Taken(pfn.to_owned())),
                Err(error) if error.kind == StorageErrorKind::Refused => Ok(Lock::Unavailable),
                Err(error) => Err(error),
            }
        })
    }

    fn delete<'a>(&'a self, pfn: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let at = SshTarget::parse(pfn)?;
            let path = quoted(at.path);
            let script =
                format!("test -e {path} || exit {NOT_THERE}; test -d {path} && rmdir {path} && exit 0; rm {path}");
            at.run(&script).await.map(drop)
        })
    }
}

/// A file on a host.
struct SshTarget<'a> {
    host: &'a str,
    port: &'a str,
    path: &'a str,
}

impl<'a> SshTarget<'a> {
    /// Parses `scp://[user@]host[:port]/path`.
    fn parse(pfn: &'a str) -> Result<Self> {
        let bad = || StorageError::new(StorageErrorKind::Refused, format!("{pfn:?} is no scp:// address"));
        let (_, rest) = pfn.split_once("://").ok_or_else(bad)?;
        let slash = rest.find('/').ok_or_else(bad)?;
        let (authority, path) = rest.split_at(slash);
        let (host, port) = authority.rsplit_once(':').unwrap_or((authority, "22"));
        // A host with a leading dash would be taken for an option.
        let usable = !host.is_empty() && !host.starts_with('-') && port.bytes().all(|byte| byte.is_ascii_digit());
        usable.then_some(Self { host, port, path }).ok_or_else(bad)
    }

    async fn run(&self, script: &str) -> Result<String> {
        let words: Vec<_> = SSH_OPTIONS.into_iter().chain(["-p", self.port, self.host, script]).collect();
        run("scp", "ssh", &words).await?.into_stdout("ssh", kind)
    }
}

fn kind(output: &ProgramOutput) -> StorageErrorKind {
    match output.code {
        Some(NOT_THERE) => StorageErrorKind::NotFound,
        Some(IN_THE_WAY) => StorageErrorKind::AlreadyExists,
        Some(NO_CONNECTION) if output.stderr.contains("Permission denied") => StorageErrorKind::Denied,
        Some(NO_CONNECTION) => StorageErrorKind::Transient,
        _ => StorageErrorKind::Refused,
    }
}

/// Quotes a word for the remote shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Parses the output of `stat` and `md5sum`: the size on the first line, the checksum before the name on the second.
fn stored(stdout: &str) -> Stored {
    let mut lines = stdout.lines();
    let bytes = lines.next().and_then(|line| line.trim().parse().ok());
    let md5 = lines.next().and_then(|line| line.trim_start_matches('\\').split_whitespace().next());
    Stored { bytes, adler32: None, md5: md5.map(str::to_owned) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        let parts = |pfn| SshTarget::parse(pfn).map(|at| (at.host, at.port, at.path)).ok();
        assert_eq!(parts("scp://jdoe@h:2222/a/b"), Some(("jdoe@h", "2222", "/a/b")));
        assert_eq!(parts("scp://h/a"), Some(("h", "22", "/a")));
        for bad in ["scp://-oProxyCommand=x/a", "scp://h:x/a", "scp:///a", "scp://h", "h"] {
            assert_eq!(parts(bad), None, "{bad}");
        }
    }

    #[test]
    fn words_survive_the_shell_at_the_other_end() {
        assert_eq!(quoted("/a b/it's"), r"'/a b/it'\''s'");
        let known = stored("9\n9e107d9d372bb6826bd81d3542a419d6  /a b\n");
        assert_eq!((known.bytes, known.md5.as_deref()), (Some(9), Some("9e107d9d372bb6826bd81d3542a419d6")));
    }
}
