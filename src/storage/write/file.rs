//! Writes to mounted storages (`file://`).

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use futures_util::future::BoxFuture;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use simd_adler32::Adler32;

use super::{Lock, Sent, Source, StorageWriter, Stored, already_exists};
use crate::storage::file::{LocalFiles, blocking, path};
use crate::storage::{Pfn, Result, StorageError, StorageErrorKind};

/// Block size in bytes.
const BLOCK: usize = 1024 * 1024;

impl StorageWriter for LocalFiles {
    fn inspect<'a>(&'a self, pfn: &'a Pfn) -> BoxFuture<'a, Result<Option<Stored>>> {
        Box::pin(async move {
            let path = path(pfn)?;
            blocking(move || match File::open(&path) {
                Ok(file) => summed(file).map(Some),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(error.into()),
            })
            .await
        })
    }

    fn inspection_method(&self) -> &'static str {
        "reading it"
    }

    fn inspects_by_reading(&self) -> bool {
        true
    }

    fn put<'a>(&'a self, from: &'a Path, pfn: &'a Pfn, sent: &'a Sent) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let (from, to, sent) = (from.to_owned(), path(pfn)?, sent.clone());
            blocking(move || copy(&from, &to, &sent)).await
        })
    }

    fn rename<'a>(&'a self, from: &'a Pfn, to: &'a Pfn) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            let (from, place, to) = (path(from)?, path(to)?, to.clone());
            blocking(move || rename(&from, &place, &to)).await
        })
    }

    fn needs_lock(&self) -> bool {
        false
    }

    fn lock<'a>(&'a self, pfn: &'a Pfn) -> BoxFuture<'a, Result<Lock>> {
        Box::pin(async move {
            let path = path(pfn)?;
            let created = blocking(move || Ok(File::create_new(path)?)).await;
            Ok(match created {
                Ok(_) => Lock::Held(pfn.clone()),
                Err(error) if error.kind == StorageErrorKind::AlreadyExists => Lock::Taken(pfn.clone()),
                Err(_) => Lock::Unavailable,
            })
        })
    }

    fn delete<'a>(&'a self, pfn: &'a Pfn) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let path = path(pfn)?;
            blocking(move || Ok(fs::remove_file(path)?)).await
        })
    }
}

/// Computes size and checksum by reading the file.
fn summed(mut file: File) -> Result<Stored> {
    if !file.metadata()?.is_file() {
        return Err(StorageError::new(StorageErrorKind::Refused, "the path exists and is not a file"));
    }
    let (mut block, mut sum, mut bytes) = (block_for(&file)?, Adler32::new(), 0);
    loop {
        match file.read(&mut block) {
            Ok(0) => break,
            Ok(read) => {
                sum.write(&block[..read]);
                bytes += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Stored { bytes: Some(bytes), adler32: Some(format!("{:08x}", sum.finish())), md5: None })
}

/// Copies a file. Does not use the kernel's copy functions, because these report no progress and no digest. Stops when
/// the receiver of the progress is dropped, and deletes the file then, as the caller may have tried to before it existed.
/// Never overwrites an existing file: another process may be writing it.
fn copy(from: &Path, path: &Path, sent: &Sent) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let (mut from, mut to) = (Source::open(from, sent)?, File::create_new(path)?);
    loop {
        // The caller's, and the one of the source.
        if sent.is_abandoned(2) {
            // If the caller has deleted it, another process may have created one of that name.
            if to.metadata()?.nlink() > 0 {
                fs::remove_file(path)?;
            }
            return Err(StorageError::new(StorageErrorKind::Refused, "given up"));
        }
        let block = from.next_block()?;
        if block.is_empty() {
            break;
        }
        to.write_all(&block)?;
        sent.set_taken(from.position());
    }
    to.sync_all()?;
    from.finish();
    Ok(())
}

/// Limits the block size to the file size, as many small files are copied at a time.
fn block_for(file: &File) -> io::Result<Vec<u8>> {
    Ok(vec![0; BLOCK.min(file.metadata()?.len() as usize + 1)])
}

/// Renames a file without replacing another one: by a hard link, or `renameat2` with `RENAME_NOREPLACE`. Where the file
/// system supports neither, only checks first. Returns whether the rename was exclusive.
fn rename(from: &Path, to: &Path, pfn: &Pfn) -> Result<bool> {
    let linked = fs::hard_link(from, to).and_then(|()| fs::remove_file(from));
    let renamed = || renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE).map_err(io::Error::from);
    match linked.or_else(|error| if is_taken(&error) { Err(error) } else { renamed() }) {
        Ok(()) => Ok(true),
        Err(error) if is_taken(&error) => Err(already_exists(pfn)),
        Err(_) if fs::symlink_metadata(to).is_ok() => Err(already_exists(pfn)),
        Err(_) => Ok(fs::rename(from, to).map(|()| false)?),
    }
}

fn is_taken(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AlreadyExists
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::write::SentDigests;

    #[test]
    fn file_upload_that_is_given_up_before_the_file_exists_leaves_none() {
        let dir = tempfile::tempdir().unwrap();
        let (local, to) = (dir.path().join("local"), dir.path().join("deep/f.part"));
        fs::write(&local, b"Wikipedia").unwrap();
        // Nobody else has it.
        copy(&local, &to, &Sent::default()).unwrap_err();
        assert!(local.exists() && !to.exists());
    }

    #[tokio::test]
    async fn file_upload_writes_inspects_renames_and_deletes() {
        let dir = tempfile::tempdir().unwrap();
        let local = dir.path().join("local");
        fs::write(&local, b"Wikipedia").unwrap();
        let pfn = |name: &str| Pfn::new(format!("file://localhost{}/deep/{name}", dir.path().display()));
        let sent = Sent::default();
        LocalFiles.put(&local, &pfn("f.part"), &sent).await.unwrap();
        let stored = Stored { bytes: Some(9), adler32: Some("11e60398".into()), md5: None };
        assert_eq!(LocalFiles.inspect(&pfn("f.part")).await.unwrap(), Some(stored));
        let digests = SentDigests { bytes: 9, adler32: 0x11e6_0398, md5: None };
        assert_eq!((sent.taken(), sent.whole()), (9, Some(digests)));
        let into_it = LocalFiles.put(&local, &pfn("f.part"), &sent).await.unwrap_err();
        assert_eq!(into_it.kind, StorageErrorKind::AlreadyExists, "{into_it}");
        assert!(LocalFiles.rename(&pfn("f.part"), &pfn("f")).await.unwrap(), "not exclusive");
        assert_eq!(LocalFiles.inspect(&pfn("f.part")).await.unwrap(), None);
        LocalFiles.put(&local, &pfn("g"), &sent).await.unwrap();
        let taken = LocalFiles.rename(&pfn("g"), &pfn("f")).await.unwrap_err();
        assert!(
            taken.kind == StorageErrorKind::AlreadyExists && taken.message.contains("there is a file already"),
            "{taken}"
        );
        LocalFiles.delete(&pfn("f")).await.unwrap();
        assert_eq!(LocalFiles.delete(&pfn("f")).await.unwrap_err().kind, StorageErrorKind::NotFound);
    }
    #[tokio::test]
    async fn file_lock_is_held_once() {
        let dir = tempfile::tempdir().unwrap();
        let pfn = Pfn::new(format!("file://localhost{}/f.lock", dir.path().display()));
        assert_eq!(LocalFiles.lock(&pfn).await.unwrap(), Lock::Held(pfn.clone()));
        assert_eq!(LocalFiles.lock(&pfn).await.unwrap(), Lock::Taken(pfn.clone()));
        LocalFiles.delete(&pfn).await.unwrap();
        assert_eq!(LocalFiles.lock(&pfn).await.unwrap(), Lock::Held(pfn.clone()));
        assert_eq!(LocalFiles.lock(&format!("{pfn}/x").into()).await.unwrap(), Lock::Unavailable);
    }
}
