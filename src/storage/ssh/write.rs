//! Writes `scp://`, `sftp://` and `rsync://` PFNs over SFTP, with the same sessions as for reading.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use simd_adler32::Adler32;

use super::SshFiles;
use super::address::Address;
use super::session::Session;
use super::writer::write_file;
use crate::storage::write::{Lock, Sent, Source, StorageWriter, Stored, already_exists};
use crate::storage::{Pfn, Result, StorageError, StorageErrorKind};

/// Bits of the permissions that a stored file has from the local one.
const PERMISSIONS: u32 = 0o777;

impl StorageWriter for SshFiles {
    /// Reads the file: SFTP has no request for a checksum.
    fn inspect<'a>(&'a self, pfn: &'a Pfn) -> BoxFuture<'a, Result<Option<Stored>>> {
        Box::pin(async move {
            let mut reader = match self.read(pfn, None).await {
                Err(error) if error.kind == StorageErrorKind::NotFound => return Ok(None),
                reader => reader?,
            };
            let (mut bytes, mut sum) = (0, Adler32::new());
            while let Some(chunk) = reader.next().await? {
                bytes += chunk.len() as u64;
                sum.write(&chunk);
            }
            Ok(Some(Stored { bytes: Some(bytes), adler32: Some(format!("{:08x}", sum.finish())), md5: None }))
        })
    }

    fn inspection_method(&self) -> &'static str {
        "reading it over SFTP"
    }

    /// The time is limited for each response of the host.
    fn inspects_by_reading(&self) -> bool {
        true
    }

    fn put<'a>(&'a self, from: &'a Path, pfn: &'a Pfn, sent: &'a Sent) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let address = Address::parse(pfn)?;
            let source = Source::open(from, sent)?;
            let mut session = self.pool.lease(&address.host).await?;
            let outcome = send(&mut session, source, &address.path, sent).await;
            session.finish(outcome)
        })
    }

    /// Renames by a hard link, which fails if the name exists. Falls back to the rename of SFTP version 3, which does not
    /// replace a file either, but may not be exclusive.
    fn rename<'a>(&'a self, from: &'a Pfn, to: &'a Pfn) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            let (address, target) = (Address::parse(from)?, Address::parse(to)?);
            let mut session = self.pool.lease(&address.host).await?;
            let outcome = match rename(&mut session, &address.path, &target.path).await {
                Err(error) if error.kind == StorageErrorKind::AlreadyExists => Err(already_exists(to)),
                outcome => outcome,
            };
            session.finish(outcome)
        })
    }

    fn needs_lock(&self) -> bool {
        false
    }

    /// Creates a folder.
    fn lock<'a>(&'a self, pfn: &'a Pfn) -> BoxFuture<'a, Result<Lock>> {
        Box::pin(async move {
            let address = Address::parse(pfn)?;
            let mut session = self.pool.lease(&address.host).await?;
            let outcome = match make_folder(&mut session, &address.path).await {
                Ok(true) => Ok(Lock::Held(pfn.clone())),
                Ok(false) => Ok(Lock::Taken(pfn.clone())),
                Err(error) if error.is_retryable() => Err(error),
                Err(_) => Ok(Lock::Unavailable),
            };
            session.finish(outcome)
        })
    }

    fn delete<'a>(&'a self, pfn: &'a Pfn) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let address = Address::parse(pfn)?;
            let mut session = self.pool.lease(&address.host).await?;
            let outcome = delete(&mut session, &address.path).await;
            session.finish(outcome)
        })
    }
}

/// Writes a file, after its parent folders if they are missing.
async fn send(session: &mut Session, source: Source, path: &str, sent: &Sent) -> Result<()> {
    let mode = source.metadata().permissions().mode() & PERMISSIONS;
    let handle = open(session, path, mode).await?;
    write_file(session, &handle, source, sent).await?;
    session.sync(&handle).await?;
    session.close(&handle).await
}

async fn open(session: &mut Session, path: &str, mode: u32) -> Result<Bytes> {
    match session.create(path, mode).await {
        Err(error) if error.kind == StorageErrorKind::NotFound => {
            make_parents(session, path).await?;
            session.create(path, mode).await
        }
        handle => handle,
    }
}

/// Creates the missing parent folders of a file.
async fn make_parents(session: &mut Session, path: &str) -> Result<()> {
    let mut missing = Vec::new();
    let mut folder = parent(path);
    while let Some(path) = folder {
        match make_folder(session, path).await {
            Err(error) if error.kind == StorageErrorKind::NotFound => {
                missing.push(path);
                folder = parent(path);
            }
            made => {
                made?;
                break;
            }
        }
    }
    for path in missing.into_iter().rev() {
        make_folder(session, path).await?;
    }
    Ok(())
}

/// Returns the folder of a file or folder; `None` at the root.
fn parent(path: &str) -> Option<&str> {
    let (folder, _) = path.trim_end_matches('/').rsplit_once('/')?;
    let folder = folder.trim_end_matches('/');
    (!folder.is_empty()).then_some(folder)
}

/// Creates a folder. Returns whether it is new: only one of several processes can create it.
async fn make_folder(session: &mut Session, path: &str) -> Result<bool> {
    match session.make_folder(path).await {
        Ok(()) => Ok(true),
        Err(error) if is_taken(session, path, &error).await? => Ok(false),
        Err(error) => Err(error),
    }
}

/// Renames a file without replacing another one. Returns whether that was exclusive.
async fn rename(session: &mut Session, from: &str, to: &str) -> Result<bool> {
    let taken = || StorageError::new(StorageErrorKind::AlreadyExists, "sftp: the name is taken");
    match session.link(from, to).await {
        Ok(true) => return session.remove(from).await.map(|()| true),
        Ok(false) => {}
        Err(error) if is_taken(session, to, &error).await? => return Err(taken()),
        Err(error) if error.is_retryable() => return Err(error),
        // The file system has no hard links.
        Err(_) => {}
    }
    match session.rename(from, to).await {
        Ok(()) => Ok(false),
        Err(error) if is_taken(session, to, &error).await? => Err(taken()),
        Err(error) => Err(error),
    }
}

/// Deletes a file or an empty folder.
async fn delete(session: &mut Session, path: &str) -> Result<()> {
    match session.remove(path).await {
        Err(error) if matches!(error.kind, StorageErrorKind::Refused | StorageErrorKind::Denied) => {
            session.remove_folder(path).await.map_err(|_| error)
        }
        outcome => outcome,
    }
}

/// Returns whether an operation failed because the name exists: SFTP version 3 has no status for that.
async fn is_taken(session: &mut Session, path: &str, error: &StorageError) -> Result<bool> {
    match error.kind {
        StorageErrorKind::AlreadyExists => Ok(true),
        StorageErrorKind::Refused | StorageErrorKind::Denied => session.exists(path).await,
        _ => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::storage::write::SentDigests;

    fn local_file(folder: &Path, bytes: &[u8], sent: &Sent) -> Source {
        let path = folder.join("local");
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        Source::open(&path, sent).unwrap()
    }

    #[tokio::test]
    #[ignore = "needs sftp-server, which the testbed installs; tests/run runs it"]
    async fn sftp_writes_files_of_any_size_into_new_folders() {
        let mut session = Session::with_local_server().await;
        let dir = tempfile::tempdir().unwrap();
        for size in [0, 1, 32 * 1024, 5_000_003] {
            let bytes: Vec<u8> = (0..size).map(|index: u32| (index / 7) as u8).collect();
            let path = format!("{}/a/b {size}/it's;$(x)", dir.path().display());
            let sent = Sent::default();
            send(&mut session, local_file(dir.path(), &bytes, &sent), &path, &sent).await.unwrap();
            assert!(fs::read(&path).unwrap() == bytes, "{size} bytes");
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
            let digests =
                SentDigests { bytes: u64::from(size), adler32: simd_adler32::adler32(&&bytes[..]), md5: None };
            assert_eq!((sent.taken(), sent.whole()), (u64::from(size), Some(digests)));
            // A second run starts again.
            send(&mut session, local_file(dir.path(), b"new", &sent), &path, &sent).await.unwrap();
            assert_eq!(fs::read(&path).unwrap(), b"new");
            assert!(session.is_idle());
        }
        fs::write(dir.path().join("file"), "").unwrap();
        let below_file = format!("{}/file/f", dir.path().display());
        let sent = Sent::default();
        let error = send(&mut session, local_file(dir.path(), b"x", &sent), &below_file, &sent).await.unwrap_err();
        assert!(!error.is_retryable(), "{error:?}");
    }

    #[tokio::test]
    #[ignore = "needs sftp-server, which the testbed installs; tests/run runs it"]
    async fn sftp_rename_never_replaces_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| format!("{}/{name}", dir.path().display());
        for has_extensions in [true, false] {
            let session = Session::with_local_server().await;
            let mut session = if has_extensions { session } else { session.without_extensions() };
            fs::write(path("new"), "new").unwrap();
            assert_eq!(rename(&mut session, &path("new"), &path("f")).await.unwrap(), has_extensions);
            assert!(fs::read(path("f")).unwrap() == b"new" && fs::metadata(path("new")).is_err());
            fs::write(path("other"), "other").unwrap();
            let error = rename(&mut session, &path("other"), &path("f")).await.unwrap_err();
            assert_eq!(error.kind, StorageErrorKind::AlreadyExists, "{error}");
            assert!(fs::read(path("f")).unwrap() == b"new" && fs::read(path("other")).unwrap() == b"other");
            let missing = rename(&mut session, &path("none"), &path("g")).await.unwrap_err();
            assert_eq!(missing.kind, StorageErrorKind::NotFound, "{missing}");
            fs::remove_file(path("f")).unwrap();
        }
    }

    #[tokio::test]
    #[ignore = "needs sftp-server, which the testbed installs; tests/run runs it"]
    async fn sftp_rename_succeeds_for_one_of_two() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| format!("{}/{name}", dir.path().display());
        for has_extensions in [true, false] {
            let sessions = [Session::with_local_server().await, Session::with_local_server().await];
            let mut sessions = sessions.map(|one| if has_extensions { one } else { one.without_extensions() });
            for round in 0..100 {
                let (a, b, to) = (path("a"), path("b"), path(&format!("f{has_extensions}{round}")));
                fs::write(&a, "a").unwrap();
                fs::write(&b, "b").unwrap();
                let [one, two] = &mut sessions;
                let (first, second) = tokio::join!(rename(one, &a, &to), rename(two, &b, &to));
                let winner = if first.is_ok() { "a" } else { "b" };
                assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
                assert_eq!(fs::read_to_string(&to).unwrap(), winner);
                let refused = first.err().or(second.err()).unwrap();
                assert_eq!(refused.kind, StorageErrorKind::AlreadyExists, "{refused}");
            }
        }
    }

    #[tokio::test]
    #[ignore = "needs sftp-server, which the testbed installs; tests/run runs it"]
    async fn sftp_lock_is_held_once_and_deleted_like_a_file() {
        let mut session = Session::with_local_server().await;
        let dir = tempfile::tempdir().unwrap();
        let path = format!("{}/lock", dir.path().display());
        assert!(make_folder(&mut session, &path).await.unwrap());
        assert!(!make_folder(&mut session, &path).await.unwrap());
        delete(&mut session, &path).await.unwrap();
        assert_eq!(delete(&mut session, &path).await.unwrap_err().kind, StorageErrorKind::NotFound);
        fs::write(&path, "").unwrap();
        delete(&mut session, &path).await.unwrap();
        let without_folder = make_folder(&mut session, &format!("{path}/x/y")).await.unwrap_err();
        assert!(!without_folder.is_retryable(), "{without_folder}");
        fs::create_dir_all(format!("{path}/full")).unwrap();
        assert!(delete(&mut session, &path).await.is_err());
        assert!(fs::metadata(&path).unwrap().is_dir(), "a folder with files was deleted");
    }

    #[test]
    fn sftp_parents_end_at_the_root() {
        for (path, expected) in [
            ("/a/b/f", Some("/a/b")),
            ("//p//f", Some("//p")),
            ("/a/b/", Some("/a")),
            ("/f", None),
            ("//f", None),
            ("/", None),
        ] {
            assert_eq!(parent(path), expected, "{path}");
        }
    }
}
