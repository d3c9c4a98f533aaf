//! Writes to `root://` and `xroot://` PFNs with the programs `xrdcp` and `xrdfs`.

use std::path::Path;

use futures_util::future::BoxFuture;

use super::program::{ProgramOutput, run};
use super::{Lock, Sent, StorageWriter, Stored, already_exists};
use crate::storage::xrootd::XrootdProgram;
use crate::storage::{Pfn, Result, StorageError, StorageErrorKind};

/// Part of the message of `xrdfs` if the server has answered, with an error.
const ANSWERED: &str = "Server responded with an error";

impl StorageWriter for XrootdProgram {
    fn inspect<'a>(&'a self, pfn: &'a Pfn) -> BoxFuture<'a, Result<Option<Stored>>> {
        Box::pin(async move {
            let Some(stored) = stat(pfn).await? else { return Ok(None) };
            let (server, path) = parts(pfn)?;
            let sums = match xrdfs(&[server, "query", "checksum", path]).await {
                // The server has no checksum, or cannot compute it; then only the size is known.
                Err(error) if error.message.contains(ANSWERED) => String::new(),
                sums => sums?,
            };
            Ok(Some(Stored { adler32: sum(&sums, "adler32"), md5: sum(&sums, "md5"), ..stored }))
        })
    }

    fn inspect_size<'a>(&'a self, pfn: &'a Pfn) -> BoxFuture<'a, Result<Option<Stored>>> {
        Box::pin(stat(pfn))
    }

    fn inspection_method(&self) -> &'static str {
        "xrdfs stat and xrdfs query checksum"
    }

    fn reports_progress(&self) -> bool {
        false
    }

    fn put<'a>(&'a self, from: &'a Path, pfn: &'a Pfn, sent: &'a Sent) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let bytes = std::fs::metadata(from)?.len();
            // xrdcp would take a name like root:x for an address.
            let from = std::path::absolute(from)?;
            let words = ["--silent", "--nopbar", "--force", "--path", &from.to_string_lossy(), pfn.as_str()];
            run("root", "xrdcp", &words).await?.into_stdout("xrdcp", kind)?;
            sent.set_taken(bytes);
            Ok(())
        })
    }

    /// Checks for an existing file first, because `xrdfs mv` replaces it silently.
    fn rename<'a>(&'a self, from: &'a Pfn, to: &'a Pfn) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            let ((server, from), (_, place)) = (parts(from)?, parts(to)?);
            match xrdfs(&[server, "stat", place]).await {
                Ok(_) => Err(already_exists(to)),
                Err(error) if error.kind == StorageErrorKind::NotFound => {
                    xrdfs(&[server, "mv", from, place]).await.map(|_| false)
                }
                Err(error) => Err(error),
            }
        })
    }

    fn needs_lock(&self) -> bool {
        true
    }

    /// Creates an empty file. Without `--force` the server creates it only if it does not exist; `mkdir` succeeds for
    /// any number of processes.
    fn lock<'a>(&'a self, pfn: &'a Pfn) -> BoxFuture<'a, Result<Lock>> {
        Box::pin(async move {
            let output = run("root", "xrdcp", &["--silent", "--nopbar", "-", pfn.as_str()]).await?;
            Ok(match output.code {
                Some(0) => Lock::Held(pfn.clone()),
                _ if is_taken(&output.stderr) => Lock::Taken(pfn.clone()),
                _ => Lock::Unavailable,
            })
        })
    }

    fn delete<'a>(&'a self, pfn: &'a Pfn) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let (server, path) = parts(pfn)?;
            xrdfs(&[server, "rm", path]).await.map(drop)
        })
    }
}

/// Queries the size of a file; `None` if it does not exist.
async fn stat(pfn: &Pfn) -> Result<Option<Stored>> {
    let (server, path) = parts(pfn)?;
    match xrdfs(&[server, "stat", path]).await {
        Err(error) if error.kind == StorageErrorKind::NotFound => Ok(None),
        stdout => Ok(Some(Stored { bytes: size(&stdout?), ..Stored::default() })),
    }
}

async fn xrdfs(words: &[&str]) -> Result<String> {
    run("root", "xrdfs", words).await?.into_stdout("xrdfs", kind)
}

/// Maps an error of the programs to a kind. The numbers are from the XRootD protocol: kXR_NotFound, kXR_NotAuthorized,
/// kXR_NoSpace, kXR_overQuota.
fn kind(output: &ProgramOutput) -> StorageErrorKind {
    let says = |number: &str| output.stderr.contains(number);
    if says("[3011]") {
        StorageErrorKind::NotFound
    } else if says("[3010]") {
        StorageErrorKind::Denied
    } else if says("[3009]") || says("[3021]") {
        StorageErrorKind::Refused
    } else {
        StorageErrorKind::Transient
    }
}

/// Returns whether `xrdcp` failed because the file exists (kXR_ItExists) or is being created (kXR_FileLocked).
fn is_taken(stdout: &str) -> bool {
    ["[3018]", "[3003]", "file exists"].iter().any(|word| stdout.contains(word))
}

/// Splits `root://server//path` into server and absolute path.
fn parts(pfn: &Pfn) -> Result<(&str, &str)> {
    let bad = || StorageError::new(StorageErrorKind::Refused, format!("{pfn:?} is not a root:// address"));
    let (server, path) = (pfn.authority().ok_or_else(bad)?, pfn.path());
    if !path.starts_with('/') {
        return Err(bad());
    }
    Ok((server, if path.starts_with("//") { &path[1..] } else { path }))
}

/// Parses the size from `Size:   5000`.
fn size(stdout: &str) -> Option<u64> {
    stdout.lines().find_map(|line| line.trim().strip_prefix("Size:")?.trim().parse().ok())
}

/// Parses the checksum from `adler32 0356986e`.
fn sum(stdout: &str, name: &str) -> Option<String> {
    let mut words = stdout.split_whitespace();
    (words.next()? == name).then(|| words.next().map(str::to_owned))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xrootd_address_is_parsed() {
        for (pfn, expected) in [
            ("root://h:1094//a/b", Some(("h:1094", "/a/b"))),
            ("root://me@h/a?x=1", Some(("me@h", "/a?x=1"))),
            ("root://h", None),
            ("h", None),
        ] {
            assert_eq!(parts(&pfn.into()).ok(), expected, "{pfn}");
        }
    }

    #[test]
    fn xrootd_messages_of_the_programs_are_classified() {
        assert!(is_taken("Run: [ERROR] Invalid operation: file exists\n"));
        assert!(!is_taken("Run: [ERROR] Server responded with an error: [3010] permission denied"));
        let stdout = "\nPath:   /scratch/f\nId:     17\nSize:   5000\nFlags:  48 (IsReadable)\n";
        assert_eq!(size(stdout), Some(5000));
        assert_eq!(sum("adler32 0356986e\n", "adler32").as_deref(), Some("0356986e"));
        assert_eq!((sum("md5 00", "adler32"), sum("", "md5")), (None, None));
    }
}
