//! The temporary file that the bytes of a download go to, with their checksum.
//!
//! Checksum and disk are served by a worker thread while the next bytes come in from the network: two buffers change
//! hands. A small file is one call of the worker thread.

use std::ffi::OsStr;
use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use tokio::task::JoinHandle;

use super::checksum::{Checksum, Hasher};

/// How many bytes are written at once.
const BUFFER: usize = 512 * 1024;
/// How much of a file's name its temporary file bears: the rest of the 255 bytes is for what makes it unique.
const NAME: usize = 200;

/// A file that is being written, under a temporary name beside its place. Dropped, it leaves nothing behind.
#[derive(Debug)]
pub struct Sink {
    place: PathBuf,
    filling: Vec<u8>,
    received: u64,
    worker: Worker,
}

#[derive(Debug)]
enum Worker {
    Idle(Box<Disk>),
    Busy(JoinHandle<io::Result<Box<Disk>>>),
    Lost,
}

/// What the worker thread works on: the file once it is made, the checksum so far, the buffer to be written.
#[derive(Debug)]
struct Disk {
    file: Option<NamedTempFile>,
    hasher: Hasher,
    buffer: Vec<u8>,
}

/// A file that is complete but not in its place yet. Dropped, it leaves nothing behind.
#[derive(Debug)]
pub struct Complete {
    file: NamedTempFile,
    place: PathBuf,
    /// The checksum of its bytes.
    pub checksum: Checksum,
    /// Its size.
    pub bytes: u64,
}

impl Sink {
    /// A file for this place, in whose folder the temporary one is made. The kind of checksum is that of `expected`.
    pub fn new(place: &Path, expected: Checksum) -> Self {
        let disk = Disk { file: None, hasher: expected.hasher(), buffer: Vec::new() };
        Self { place: place.to_owned(), filling: Vec::new(), received: 0, worker: Worker::Idle(Box::new(disk)) }
    }

    /// How many bytes have been taken in.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Takes the next bytes in. Errors: the disk refused earlier ones.
    pub async fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.filling.extend_from_slice(bytes);
        self.received += bytes.len() as u64;
        match self.filling.len() >= BUFFER {
            true => self.write().await,
            false => Ok(()),
        }
    }

    /// Hands what has been taken in to the worker thread, once it is through with what came before. A caller that
    /// gives up waiting may push on later: nothing is lost or written twice.
    async fn write(&mut self) -> io::Result<()> {
        self.wait().await?;
        let Worker::Idle(mut disk) = std::mem::replace(&mut self.worker, Worker::Lost) else { return Err(lost()) };
        std::mem::swap(&mut self.filling, &mut disk.buffer);
        let place = self.place.clone();
        self.worker = Worker::Busy(tokio::task::spawn_blocking(move || {
            disk.write(&place)?;
            Ok(disk)
        }));
        Ok(())
    }

    async fn wait(&mut self) -> io::Result<()> {
        if let Worker::Busy(handle) = &mut self.worker {
            let done = handle.await;
            self.worker = Worker::Lost;
            self.worker = Worker::Idle(done.map_err(io::Error::other)??);
        }
        Ok(())
    }

    /// Everything has been taken in.
    pub async fn complete(mut self) -> io::Result<Complete> {
        self.write().await?;
        self.wait().await?;
        let Worker::Idle(disk) = self.worker else { return Err(lost()) };
        let file = disk.file.ok_or_else(lost)?;
        Ok(Complete { file, place: self.place, checksum: disk.hasher.finish(), bytes: self.received })
    }
}

impl Disk {
    fn write(&mut self, place: &Path) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(temporary(place)?),
        };
        self.hasher.update(&self.buffer);
        file.as_file_mut().write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}

impl Complete {
    /// Gives the file its name, in place of what may have been there.
    pub async fn put(self) -> io::Result<PathBuf> {
        let put = move || self.file.persist(&self.place).map(|_| self.place).map_err(|error| error.error);
        tokio::task::spawn_blocking(put).await.map_err(io::Error::other)?
    }
}

/// A new file beside `place`, whose name no other process has, with the rights the user's umask leaves.
fn temporary(place: &Path) -> io::Result<NamedTempFile> {
    let folder = place.parent().unwrap_or(Path::new("."));
    let name = place.file_name().unwrap_or(OsStr::new("file")).to_string_lossy();
    let cut = (0..=NAME.min(name.len())).rev().find(|end| name.is_char_boundary(*end)).unwrap_or(0);
    tempfile::Builder::new()
        .prefix(&format!("{}.", &name[..cut]))
        .suffix(".part")
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder)
}

/// Copies a file that is in its place to another place, by way of a temporary name too.
pub fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut file = temporary(to)?;
    io::copy(&mut std::fs::File::open(from)?, &mut file)?;
    file.persist(to).map(drop).map_err(|error| error.error)
}

fn lost() -> io::Error {
    io::Error::other("an earlier write failed")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[tokio::test]
    async fn bytes_arrive_in_order_with_their_checksum() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("f");
        let bytes: Vec<u8> = (0..BUFFER * 3 + 5).map(|i| (i % 249) as u8).collect();
        let mut sink = Sink::new(&place, Checksum::Adler32(0));
        for piece in bytes.chunks(70_001) {
            sink.push(piece).await.unwrap();
        }
        assert_eq!(sink.received(), bytes.len() as u64);
        let complete = sink.complete().await.unwrap();
        assert_eq!(names(dir.path()).len(), 1);
        assert!(!place.exists());
        let checksum = complete.checksum;
        assert_eq!(complete.put().await.unwrap(), place);
        assert_eq!(std::fs::read(&place).unwrap(), bytes);
        assert_eq!(checksum, checksum.of_file(&place).unwrap());
        assert_eq!(names(dir.path()), ["f"]);
    }

    #[tokio::test]
    async fn an_empty_file_is_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let complete = Sink::new(&dir.path().join("empty"), Checksum::Unknown).complete().await.unwrap();
        complete.put().await.unwrap();
        assert_eq!(std::fs::metadata(dir.path().join("empty")).unwrap().len(), 0);
    }

    #[tokio::test]
    async fn what_is_dropped_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let mut sink = Sink::new(&dir.path().join("f"), Checksum::Unknown);
        sink.push(&vec![1; BUFFER]).await.unwrap();
        sink.wait().await.unwrap();
        assert_eq!(names(dir.path()).len(), 1);
        drop(sink);
        assert!(names(dir.path()).is_empty());
    }

    #[tokio::test]
    async fn a_missing_folder_is_reported() {
        let mut sink = Sink::new(Path::new("/nowhere/at/all/f"), Checksum::Unknown);
        sink.push(b"x").await.unwrap();
        assert_eq!(sink.complete().await.unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn long_names_and_other_processes_are_no_trouble() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("ü".repeat(127));
        let (one, two) = (temporary(&place).unwrap(), temporary(&place).unwrap());
        assert_ne!(one.path(), two.path());
        std::fs::write(dir.path().join("a"), b"x").unwrap();
        copy(&dir.path().join("a"), &place).unwrap();
        assert_eq!(std::fs::read(&place).unwrap(), b"x");
    }
}
