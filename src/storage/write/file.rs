//! Writing to a mounted storage.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::atomic::Ordering;

use futures_util::future::BoxFuture;
use simd_adler32::Adler32;

use super::{Sent, Stored, Writing, in_the_way};
use crate::storage::file::{LocalFiles, blocking, path};
use crate::storage::{Kind, Result, StorageError};

/// How much is read at once.
const BLOCK: usize = 1024 * 1024;

impl Writing for LocalFiles {
    fn look<'a>(&'a self, pfn: &'a str) -> BoxFuture<'a, Result<Option<Stored>>> {
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

    fn asks(&self) -> &'static str {
        "reading it"
    }

    fn put<'a>(&'a self, from: &'a Path, pfn: &'a str, sent: &'a Sent) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let (from, to, sent) = (from.to_owned(), path(pfn)?, sent.clone());
            blocking(move || copy(&from, &to, &sent)).await
        })
    }

    fn rename<'a>(&'a self, from: &'a str, to: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let (from, place, to) = (path(from)?, path(to)?, to.to_owned());
            blocking(move || rename(&from, &place, &to)).await
        })
    }

    fn delete<'a>(&'a self, pfn: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let path = path(pfn)?;
            blocking(move || Ok(fs::remove_file(path)?)).await
        })
    }
}

/// Size and checksum as they can be read back.
fn summed(mut file: File) -> Result<Stored> {
    if !file.metadata()?.is_file() {
        return Err(StorageError::new(Kind::Refused, "something that is no file lies there"));
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

/// Copies by hand, as the kernel's own ways tell nothing until they are done. The sender being gone, so is the wish.
fn copy(from: &Path, to: &Path, sent: &Sent) -> Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    let (mut from, mut to) = (File::open(from)?, File::create(to)?);
    let mut block = block_for(&from)?;
    loop {
        if std::sync::Arc::strong_count(sent) == 1 {
            return Err(StorageError::new(Kind::Refused, "given up"));
        }
        match from.read(&mut block) {
            Ok(0) => break,
            Ok(read) => {
                to.write_all(&block[..read])?;
                sent.fetch_add(read as u64, Ordering::Relaxed);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(to.sync_all()?)
}

/// Small files are many at a time.
fn block_for(file: &File) -> io::Result<Vec<u8>> {
    Ok(vec![0; BLOCK.min(file.metadata()?.len() as usize + 1)])
}

/// A hard link fails where a name is taken; where file systems know none, looking first has to do.
fn rename(from: &Path, to: &Path, pfn: &str) -> Result<()> {
    match fs::hard_link(from, to) {
        Ok(()) => Ok(fs::remove_file(from)?),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(in_the_way(pfn)),
        Err(_) if fs::symlink_metadata(to).is_ok() => Err(in_the_way(pfn)),
        Err(_) => Ok(fs::rename(from, to)?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_is_written_looked_at_renamed_and_deleted() {
        let dir = tempfile::tempdir().unwrap();
        let local = dir.path().join("local");
        fs::write(&local, b"Wikipedia").unwrap();
        let pfn = |name: &str| format!("file://localhost{}/deep/{name}", dir.path().display());
        let sent = Sent::default();
        LocalFiles.put(&local, &pfn("f.part"), &sent).await.unwrap();
        let stored = Stored { bytes: Some(9), adler32: Some("11e60398".into()), md5: None };
        assert_eq!(LocalFiles.look(&pfn("f.part")).await.unwrap(), Some(stored));
        assert_eq!(sent.load(Ordering::Relaxed), 9);
        LocalFiles.rename(&pfn("f.part"), &pfn("f")).await.unwrap();
        assert_eq!(LocalFiles.look(&pfn("f.part")).await.unwrap(), None);
        LocalFiles.put(&local, &pfn("g"), &sent).await.unwrap();
        let taken = LocalFiles.rename(&pfn("g"), &pfn("f")).await.unwrap_err();
        assert!(taken.message.contains("there is a file already"), "{taken}");
        LocalFiles.delete(&pfn("f")).await.unwrap();
        assert_eq!(LocalFiles.delete(&pfn("f")).await.unwrap_err().kind, Kind::NotFound);
    }
}
