//! Local files: `file://` PFNs of a mounted storage.

use std::fs::{File, Metadata};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream;
use percent_encoding::percent_decode_str;

use super::{ObjectReader, Pfn, Result, ResumeFrom, Stat, Storage, StorageError, StorageErrorKind, boxed};

/// Block size in bytes.
const BLOCK: usize = 512 * 1024;

/// The local file system.
#[derive(Debug)]
pub struct LocalFiles;

impl Storage for LocalFiles {
    fn stat<'a>(&'a self, pfn: &'a Pfn) -> BoxFuture<'a, Result<Stat>> {
        Box::pin(async move {
            let path = path(pfn)?;
            let (_, metadata) = blocking(move || open(path)).await?;
            Ok(Stat { bytes: Some(metadata.len()) })
        })
    }

    fn get<'a>(&'a self, pfn: &'a Pfn, resume: Option<&'a ResumeFrom>) -> BoxFuture<'a, Result<ObjectReader>> {
        Box::pin(async move {
            let (path, resume) = (path(pfn)?, resume.cloned());
            blocking(move || start(path, resume)).await
        })
    }
}

fn start(path: PathBuf, resume: Option<ResumeFrom>) -> Result<ObjectReader> {
    let (mut file, metadata) = open(path)?;
    let version = version(&metadata);
    let same = |resume: &ResumeFrom| resume.version.as_ref().is_none_or(|wanted| *wanted == version);
    let start = resume.filter(|resume| same(resume) && resume.start <= metadata.len()).map_or(0, |resume| resume.start);
    file.seek(SeekFrom::Start(start))?;
    let chunks = stream::try_unfold(file, |file| blocking(move || block(file)));
    Ok(ObjectReader {
        length: Some(metadata.len()),
        start,
        version: Some(version),
        web_page_from: None,
        chunks: boxed(chunks),
    })
}

/// Reads the next block. Returns it with the file, for the one after it.
fn block(mut file: File) -> Result<Option<(Bytes, File)>> {
    let mut bytes = Vec::with_capacity(BLOCK);
    let read = (&mut file).take(BLOCK as u64).read_to_end(&mut bytes)?;
    Ok((read > 0).then(|| (bytes.into(), file)))
}

/// Opens a regular file; symbolic links are followed, as they are common on storages.
fn open(path: PathBuf) -> Result<(File, Metadata)> {
    let is_file = std::fs::metadata(&path)?.is_file();
    if !is_file {
        return Err(StorageError::new(StorageErrorKind::Refused, format!("{} is not a regular file", path.display())));
    }
    let file = File::open(&path)?;
    let metadata = file.metadata()?;
    Ok((file, metadata))
}

fn version(metadata: &Metadata) -> String {
    format!("{}-{}-{}.{}", metadata.ino(), metadata.len(), metadata.mtime(), metadata.mtime_nsec())
}

/// Returns the path of a `file://` PFN; a host in it is ignored, as in the official client. The path may contain
/// percent escapes; as a `%` may also be literal, the literal path takes precedence if it exists.
pub(crate) fn path(pfn: &Pfn) -> Result<PathBuf> {
    let path = pfn.path();
    if pfn.scheme() != "file" || !path.starts_with('/') || path.contains('\0') {
        return Err(bad(pfn));
    }
    let written = PathBuf::from(path);
    let decoded = percent_decode_str(path).decode_utf8_lossy();
    let other = decoded != path && !decoded.contains('\0') && !written.exists();
    Ok(if other { PathBuf::from(decoded.as_ref()) } else { written })
}

fn bad(pfn: &Pfn) -> StorageError {
    StorageError::new(StorageErrorKind::Refused, format!("{pfn:?} is not a file:// address with an absolute path"))
}

pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(StorageError::new(StorageErrorKind::Refused, error.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(pfn: &Pfn, resume: Option<&ResumeFrom>) -> Result<(u64, Vec<u8>)> {
        let mut reading = LocalFiles.get(pfn, resume).await?;
        let mut bytes = Vec::new();
        while let Some(chunk) = reading.next().await? {
            bytes.extend_from_slice(&chunk);
        }
        Ok((reading.start, bytes))
    }

    fn pfn(path: &std::path::Path) -> Pfn {
        format!("file://localhost{}", path.display()).into()
    }

    #[tokio::test]
    async fn local_file_is_read_whole_and_through_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let bytes: Vec<u8> = (0..BLOCK * 2 + 17).map(|i| i as u8).collect();
        std::fs::write(dir.path().join("f"), &bytes).unwrap();
        std::os::unix::fs::symlink(dir.path().join("f"), dir.path().join("link")).unwrap();
        for name in ["f", "link"] {
            assert_eq!(read(&pfn(&dir.path().join(name)), None).await.unwrap(), (0, bytes.clone()));
        }
        let stat = LocalFiles.stat(&pfn(&dir.path().join("f"))).await.unwrap();
        assert_eq!(stat.bytes, Some(bytes.len() as u64));
    }

    #[tokio::test]
    async fn local_file_resumes_only_the_same_version() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        std::fs::write(&path, b"0123456789").unwrap();
        let version = LocalFiles.get(&pfn(&path), None).await.unwrap().version.unwrap();
        let rest = ResumeFrom { start: 4, whole: None, version: Some(version) };
        assert_eq!(read(&pfn(&path), Some(&rest)).await.unwrap(), (4, b"456789".to_vec()));
        std::fs::write(&path, b"0123456789abc").unwrap();
        assert_eq!(read(&pfn(&path), Some(&rest)).await.unwrap(), (0, b"0123456789abc".to_vec()));
        for (start, expected) in [(4, (4, b"456789abc".to_vec())), (14, (0, b"0123456789abc".to_vec()))] {
            assert_eq!(
                read(&pfn(&path), Some(&ResumeFrom { start, whole: None, version: None })).await.unwrap(),
                expected
            );
        }
    }

    #[tokio::test]
    async fn local_file_read_errors_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let missing = read(&pfn(&dir.path().join("none")), None).await.unwrap_err();
        assert_eq!((missing.kind, missing.is_retryable()), (StorageErrorKind::NotFound, false));
        assert_eq!(read(&pfn(dir.path()), None).await.unwrap_err().kind, StorageErrorKind::Refused);
        for bad in ["file://host", "file:a", "file://", "file:///a\0b", "file"] {
            assert_eq!(read(&bad.into(), None).await.unwrap_err().kind, StorageErrorKind::Refused, "{bad}");
        }
    }

    #[test]
    fn local_file_escapes_are_resolved_where_the_literal_path_is_missing() {
        let dir = tempfile::tempdir().unwrap();
        let plain = dir.path().join("a b");
        let percent = dir.path().join("50%25");
        std::fs::write(&percent, b"").unwrap();
        assert_eq!(path(&format!("file://{}/a%20b", dir.path().display()).into()).unwrap(), plain);
        assert_eq!(path(&format!("file://{}", percent.display()).into()).unwrap(), percent);
    }
}
