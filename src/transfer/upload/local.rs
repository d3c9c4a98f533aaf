//! Local files of an upload: finding them, measuring size and checksums, detecting changes.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::Command;
use tokio::time::{Instant, interval_at};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::exceptions::Exception;
use crate::hint::{Hint, Parameter};
use crate::storage::Pfn;
use crate::storage::write::{Sent, SentDigests, Source, Stored};
use crate::transfer::checksum::Checksum;
use crate::transfer::job::JobId;
use crate::types::{Did, NewMetadata, NewReplica};

/// Interval at which the progress of reading is reported. Chosen: smooth for a progress bar.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(200);

/// A local file to upload.
#[derive(Debug, Clone)]
pub struct LocalFile {
    /// Its number: the same path or DID may be given several times.
    pub id: JobId,
    /// Path.
    pub path: PathBuf,
    /// File name without folders, for messages.
    pub basename: String,
    /// DID of the file in the catalogue.
    pub did: Did,
    /// Dataset to attach it to.
    pub dataset: Option<Did>,
    /// GUID, if one was given.
    pub guid: Option<String>,
    /// Whether the GUID may have to be read from the file (POOL files).
    pub may_hold_guid: bool,
    /// Size in bytes when the file was found.
    pub bytes: u64,
}

/// Size, checksums and GUID of a local file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// Size in bytes.
    pub bytes: u64,
    /// Adler-32.
    pub adler32: Checksum,
    /// MD5.
    pub md5: Checksum,
    /// GUID: 32 hexadecimal digits, unless a given one differs.
    pub guid: String,
    /// File system state before the file was read.
    pub state: FileState,
}

/// What is known of a local file before its content is read.
#[derive(Debug, Clone)]
pub(super) struct LocalState {
    /// GUID, as in [`Measured`].
    guid: String,
    /// File system state.
    pub(super) state: FileState,
}

/// Metadata that changes when a local file is modified or replaced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FileState {
    device: u64,
    inode: u64,
    bytes: u64,
    /// Modification time in seconds and nanoseconds.
    changed: (i64, i64),
}

impl FileState {
    /// Returns the size in bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    fn new(metadata: &fs::Metadata) -> Self {
        let changed = (metadata.mtime(), metadata.mtime_nsec());
        Self { device: metadata.dev(), inode: metadata.ino(), bytes: metadata.len(), changed }
    }

    /// Returns whether the file at this path was modified, replaced or removed.
    pub(super) fn differs(&self, path: &Path) -> bool {
        fs::metadata(path).map_or(true, |metadata| Self::new(&metadata) != *self)
    }
}

impl Measured {
    /// Adler-32 in the catalogue's format.
    pub fn adler32(&self) -> String {
        self.adler32.to_string()
    }

    /// MD5 in the catalogue's format.
    pub fn md5(&self) -> String {
        self.md5.to_string()
    }

    /// Returns the replica of this file as registered in the catalogue.
    pub(super) fn replica(&self, did: &Did, state: &'static str, pfn: Option<&Pfn>) -> NewReplica {
        NewReplica {
            did: did.clone(),
            bytes: self.bytes,
            adler32: self.adler32(),
            md5: self.md5(),
            meta: NewMetadata { guid: self.guid.clone() },
            state,
            pfn: pfn.map(Pfn::to_string),
        }
    }

    /// Returns whether the checksum matches this file; `None` if the checksum is unknown.
    pub(super) fn has_checksum(&self, checksum: Checksum) -> Option<bool> {
        match checksum {
            Checksum::Adler32(_) => Some(checksum == self.adler32),
            Checksum::Md5(_) => Some(checksum == self.md5),
            Checksum::Unknown => None,
        }
    }

    /// Compares a stored file with this one. Returns whether a checksum was compared. Where the storage reports no
    /// size, its checksum is compared even if `by_checksum` is false. Errors: the difference, or that size and checksum
    /// are both unknown.
    pub(super) fn matches_stored(&self, stored: &Stored, by_checksum: bool) -> Result<bool, String> {
        let size = stored.bytes.filter(|bytes| *bytes != self.bytes);
        if let Some(found) = size {
            return Err(format!("Filesize mismatch. Source: {} Destination: {found}", self.bytes));
        }
        let sum = Checksum::new(stored.adler32.as_deref(), stored.md5.as_deref());
        let must_compare = by_checksum || stored.bytes.is_none();
        match self.has_checksum(sum) {
            Some(false) if must_compare => {
                let ours = if matches!(sum, Checksum::Md5(_)) { self.md5() } else { self.adler32() };
                Err(format!("Checksum mismatch. Source: {ours} Destination: {sum}"))
            }
            Some(true) if must_compare => Ok(true),
            _ if stored.bytes.is_none() => Err("the storage reports neither its size nor a checksum".to_owned()),
            _ => Ok(false),
        }
    }
}

/// Returns the files directly in a folder, sorted, and whether the folder has subfolders.
pub fn files_in(folder: &Path) -> io::Result<(Vec<PathBuf>, bool)> {
    let mut paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    let (folders, files): (Vec<_>, Vec<_>) = paths.into_iter().partition(|path| path.is_dir());
    Ok((files.into_iter().filter(|path| path.is_file()).collect(), !folders.is_empty()))
}

impl LocalState {
    /// Looks at a file that is to be uploaded.
    ///
    /// Errors: it cannot be read; `RucioException` if it is a POOL file whose GUID cannot be read.
    pub(super) async fn new(file: &LocalFile) -> Result<Self> {
        let state = File::open(&file.path).and_then(|file| file.metadata()).map_err(|error| unreadable(file, error))?;
        Ok(Self { guid: guid(file).await?, state: FileState::new(&state) })
    }

    /// Returns the measured file, for the digests of its content; `None` if they lack the MD5.
    pub(super) fn measured(&self, digests: &SentDigests) -> Option<Measured> {
        let (adler32, md5) = (Checksum::Adler32(digests.adler32), Checksum::Md5(digests.md5?));
        Some(Measured { bytes: digests.bytes, adler32, md5, guid: self.guid.clone(), state: self.state })
    }

    /// Reads a file to compute its checksums. `on_progress` gets the number of bytes read, at intervals.
    ///
    /// Errors: the file cannot be read.
    pub(super) async fn measure(&self, file: &LocalFile, on_progress: impl Fn(u64)) -> Result<Measured> {
        let (path, read) = (file.path.clone(), Sent::with_md5());
        let read_by_task = read.clone();
        let mut reading = tokio::task::spawn_blocking(move || read_through(&path, &read_by_task));
        on_progress(0);
        let mut ticks = interval_at(Instant::now() + PROGRESS_INTERVAL, PROGRESS_INTERVAL);
        let outcome = loop {
            tokio::select! {
                outcome = &mut reading => break outcome,
                _ = ticks.tick() => on_progress(read.taken()),
            }
        };
        outcome.unwrap_or_else(|error| Err(error.into())).map_err(|error| unreadable(file, error))?;
        let measured = read.whole().and_then(|digests| self.measured(&digests));
        measured.ok_or_else(|| unreadable(file, io::Error::other("its checksums were not computed")))
    }
}

/// Reads a file to its end. Stops when the task that waits for the digests was dropped.
fn read_through(path: &Path, read: &Sent) -> io::Result<()> {
    let mut source = Source::open(path, read)?;
    // This task's, and the one of the source.
    while !read.is_abandoned(2) && !source.next_block()?.is_empty() {
        read.set_taken(source.position());
    }
    if source.is_read() {
        source.finish();
    }
    Ok(())
}

fn unreadable(file: &LocalFile, error: io::Error) -> Error {
    Error::io(format!("Cannot read {}", file.path.display()), error)
}

/// Returns the given GUID, that of a POOL file, or a new random one.
async fn guid(file: &LocalFile) -> Result<String> {
    let is_pool = file.may_hold_guid && file.basename.to_lowercase().contains("pool.root");
    match &file.guid {
        Some(guid) => Ok(guid.replace('-', "")),
        None if is_pool => guid_in_file(&file.path).await,
        None => Ok(Uuid::new_v4().simple().to_string()),
    }
}

async fn guid_in_file(path: &Path) -> Result<String> {
    let output = Command::new("pool_extractFileIdentifier").arg(path).kill_on_drop(true).output().await;
    let said = output.ok().filter(|output| output.status.success()).map(|output| output.stdout).unwrap_or_default();
    let said = String::from_utf8_lossy(&said).into_owned();
    let guid = said.lines().last().and_then(|line| line.split_whitespace().next());
    guid.map(|guid| guid.replace('-', "").to_lowercase()).ok_or_else(|| {
        let details = format!("pool_extractFileIdentifier does not return the GUID of {}.", path.display());
        Error::new(Exception::RucioException, details).with_hint(Hint::parameters(
            "Set up the ATHENA environment, which has this program, or set the GUID",
            [Parameter::Guid],
        ))
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    fn local(path: PathBuf, guid: Option<&str>) -> LocalFile {
        let basename = path.file_name().unwrap().to_string_lossy().into_owned();
        let did = Did::new("s", basename.clone());
        LocalFile {
            id: JobId::unique(),
            path,
            basename,
            did,
            dataset: None,
            guid: guid.map(str::to_owned),
            may_hold_guid: true,
            bytes: 0,
        }
    }

    #[tokio::test]
    async fn local_file_is_measured_in_one_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        fs::write(&path, b"Wikipedia").unwrap();
        let read = AtomicU64::new(u64::MAX);
        let progress = |bytes| read.store(bytes, Ordering::Relaxed);
        let measure =
            async |file: &LocalFile, progress: &dyn Fn(u64)| LocalState::new(file).await?.measure(file, progress).await;
        let measured = measure(&local(path.clone(), Some("01-23")), &progress).await.unwrap();
        assert!([0, 9].contains(&read.load(Ordering::Relaxed)), "{read:?}");
        assert_eq!((measured.bytes, measured.adler32().as_str()), (9, "11e60398"));
        assert_eq!((measured.md5().as_str(), measured.guid.as_str()), ("9c677286866aad38f8e9b660f5411814", "0123"));
        let other = measure(&local(path, None), &|_| ()).await.unwrap();
        assert!(other.guid.len() == 32 && other.guid.bytes().all(|byte| byte.is_ascii_hexdigit()), "{}", other.guid);
        assert!(measure(&local(dir.path().join("none"), None), &|_| ()).await.is_err());
    }

    #[test]
    fn local_file_that_was_touched_replaced_or_removed_differs() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let state = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            FileState::new(&fs::metadata(&path).unwrap())
        };
        let before = state(b"one");
        assert!(!before.differs(&path), "{before:?}");
        File::options().write(true).open(&path).unwrap().set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
        assert!(before.differs(&path), "{before:?}");
        let before = state(b"longer");
        fs::write(&path, b"long").unwrap();
        assert!(before.differs(&path), "{before:?}");
        let before = state(b"one");
        fs::rename(&path, dir.path().join("g")).unwrap();
        assert!(before.differs(&path), "{before:?}");
    }

    #[test]
    fn local_file_is_compared_with_the_stored_one_by_value() {
        let (adler32, md5) = (Checksum::Adler32(0x11e6_0398), Checksum::Md5([1; 16]));
        let measured = Measured { bytes: 9, adler32, md5, guid: String::new(), state: FileState::default() };
        let stored = |bytes, adler32: &str| Stored { bytes, adler32: Some(adler32.to_owned()), md5: None };
        assert_eq!(measured.matches_stored(&stored(Some(9), "11E60398"), true), Ok(true));
        assert_eq!(measured.matches_stored(&stored(Some(9), "1"), false), Ok(false));
        assert_eq!(measured.matches_stored(&stored(None, "11e60398"), false), Ok(true));
        assert!(measured.matches_stored(&stored(None, "1"), false).unwrap_err().starts_with("Checksum mismatch"));
        for by_checksum in [true, false] {
            let unknown = measured.matches_stored(&Stored::default(), by_checksum).unwrap_err();
            assert!(unknown.contains("neither its size nor a checksum"), "{unknown}");
        }
        assert!(measured.matches_stored(&stored(Some(9), "1"), true).unwrap_err().starts_with("Checksum mismatch"));
        assert!(
            measured.matches_stored(&stored(Some(8), "11e60398"), true).unwrap_err().starts_with("Filesize mismatch")
        );
    }

    #[test]
    fn local_folders_are_reported_but_not_entered() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("b"), b"").unwrap();
        fs::write(dir.path().join("a"), b"").unwrap();
        assert!(!files_in(dir.path()).unwrap().1);
        fs::create_dir(dir.path().join("sub")).unwrap();
        fs::write(dir.path().join("sub/c"), b"").unwrap();
        let (files, folders) = files_in(dir.path()).unwrap();
        assert_eq!((files, folders), (vec![dir.path().join("a"), dir.path().join("b")], true));
    }
}
