//! Where the bytes of a download go: to a temporary file, and through the checksum.
//!
//! Checksum and disk are served by a worker thread while the next bytes come in from the network: two buffers change
//! hands. What is left at the end, all of a small file, is written at once where the disk is quick.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;

use super::checksum::{Checksum, Hasher};
use super::complete::Complete;
use super::parts::Parts;
use super::temporary::{Left, Maker, Progress, Temporary};
use super::worker::{Pace, Worker};

/// How many bytes are written at once. Many files are under way at a time, each with two of these.
const BUFFER: usize = 256 * 1024;

/// How quick the disk is with the last piece of a file, which of a small file is all of it.
static LAST_PIECES: Pace = Pace::unknown();

/// A file that is being written, under a temporary name beside its place. Dropped, it leaves what can be gone on with.
#[derive(Debug)]
pub(super) struct Sink {
    file: Temporary,
    filling: Vec<u8>,
    received: u64,
    pieced: bool,
    worker: Worker<Disk>,
}

/// What the worker thread works on.
#[derive(Debug)]
struct Disk {
    maker: Maker,
    file: Option<Arc<File>>,
    hasher: Hasher,
    buffer: Vec<u8>,
}

/// What there is of a file before its first byte is fetched.
#[derive(Debug)]
pub(super) enum Found {
    /// Nothing.
    Nothing,
    /// Another process is fetching it, and has come so far by now.
    Busy(Progress),
    /// Its beginning, which an earlier process left.
    Beginning(Sink),
    /// Parts of it, which an earlier process left.
    Parts(Parts),
}

impl Sink {
    /// What an earlier process left of the file that goes to this place and has this checksum and size. It is read
    /// once, for the checksum: this blocks.
    pub(super) fn find(place: &Path, expected: Checksum, bytes: Option<u64>) -> Found {
        match Temporary::left(place, expected) {
            Left::Nothing => Found::Nothing,
            Left::Busy(progress) => Found::Busy(progress),
            Left::Part(file, open) => Self::take_over(file, open, expected, bytes).unwrap_or_else(|error| {
                tracing::debug!("what is left of {} cannot be read: {error}", place.display());
                Found::Nothing
            }),
        }
    }

    /// What is longer than the whole file has its parts behind it, or is no part of it and is cut off.
    fn take_over(mut file: Temporary, open: Arc<File>, expected: Checksum, bytes: Option<u64>) -> io::Result<Found> {
        let length = open.metadata()?.len();
        if let (Checksum::Adler32(_), Some(whole)) = (expected, bytes.filter(|bytes| length > *bytes)) {
            file = match Parts::left(file, &open, whole)? {
                Ok(parts) => return Ok(Found::Parts(parts)),
                Err(file) => file,
            };
        }
        if bytes.is_some_and(|bytes| length > bytes) {
            open.set_len(0)?;
        }
        let (hasher, received) = read_through(&open, expected)?;
        let disk = Disk { maker: file.maker(), file: Some(open), hasher, buffer: Vec::new() };
        let (pieced, worker) = (received > 0, Worker::new(disk));
        Ok(Found::Beginning(Self { file, filling: Vec::new(), received, pieced, worker }))
    }

    /// Removes what has come: it is of no use.
    pub(super) fn discard(mut self) {
        self.file.not_worth_keeping();
    }

    /// A file for this place, in whose folder the temporary one is made. The kind of checksum is that of `expected`.
    pub(super) fn new(place: &Path, expected: Checksum) -> Self {
        let file = Temporary::new(place, expected);
        let disk = Disk { maker: file.maker(), file: None, hasher: expected.hasher(), buffer: Vec::new() };
        Self { file, filling: Vec::new(), received: 0, pieced: false, worker: Worker::new(disk) }
    }

    /// How many bytes have been taken in.
    pub(super) fn received(&self) -> u64 {
        self.received
    }

    /// The same, for bytes that come from another answer than those before.
    pub(super) fn continued(self) -> Self {
        Self { pieced: true, ..self }
    }

    /// Whether the bytes come from several answers.
    pub(super) fn is_pieced(&self) -> bool {
        self.pieced
    }

    /// Takes the next bytes in. Errors: the disk refused earlier ones.
    pub(super) async fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
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
        let disk = self.worker.ready().await?;
        std::mem::swap(&mut self.filling, &mut disk.buffer);
        self.worker.begin(Disk::write);
        Ok(())
    }

    /// Waits until all that has been taken in is on the disk.
    pub(super) async fn settle(&mut self) -> io::Result<()> {
        if !self.filling.is_empty() {
            self.write().await?;
        }
        self.worker.ready().await.map(drop)
    }

    /// The same file, of this size, for bytes that come in several parts. What has been taken in must have
    /// [settled](Self::settle).
    pub(super) fn into_parts(self, whole: u64) -> io::Result<Parts> {
        let disk = self.worker.into_means()?;
        Ok(Parts::behind(self.file, disk.file, whole, (self.received, disk.hasher.finish())))
    }

    /// Everything has been taken in.
    pub(super) async fn complete(mut self) -> io::Result<Complete> {
        let disk = self.worker.ready().await?;
        std::mem::swap(&mut self.filling, &mut disk.buffer);
        self.worker.do_short(&LAST_PIECES, Disk::write).await?;
        self.file.not_worth_keeping();
        let disk = self.worker.into_means()?;
        Ok(Complete::new(self.file, disk.hasher.finish(), self.pieced))
    }
}

impl Disk {
    fn write(&mut self) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(self.maker.make()?),
        };
        self.hasher.update(&self.buffer);
        file.as_ref().write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}

/// Feeds what is there of a file to the checksum; gives its size.
fn read_through(mut file: &File, expected: Checksum) -> io::Result<(Hasher, u64)> {
    let (mut hasher, mut block, mut size) = (expected.hasher(), vec![0; BUFFER], 0);
    loop {
        match file.read(&mut block) {
            Ok(0) => return Ok((hasher, size)),
            Ok(read) => {
                hasher.update(&block[..read]);
                size += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
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
        assert!(!place.exists() && names(dir.path()).len() == 1);
        let checksum = complete.checksum;
        assert_eq!(complete.put().unwrap(), place);
        assert_eq!(std::fs::read(&place).unwrap(), bytes);
        assert_eq!(checksum, checksum.of_file(&place).unwrap());
        assert_eq!(names(dir.path()), ["f"]);
    }

    #[tokio::test]
    async fn an_empty_file_is_a_file() {
        let dir = tempfile::tempdir().unwrap();
        Sink::new(&dir.path().join("empty"), Checksum::Unknown).complete().await.unwrap().put().unwrap();
        assert_eq!(std::fs::metadata(dir.path().join("empty")).unwrap().len(), 0);
    }

    #[tokio::test]
    async fn what_is_discarded_leaves_nothing_behind_even_while_the_worker_is_busy() {
        let dir = tempfile::tempdir().unwrap();
        for wait in [true, false] {
            let mut sink = Sink::new(&dir.path().join("f"), Checksum::Unknown);
            sink.push(&vec![1; BUFFER]).await.unwrap();
            if wait {
                sink.worker.ready().await.unwrap();
                assert_eq!(names(dir.path()).len(), 1);
            }
            sink.discard();
            assert!(names(dir.path()).is_empty());
        }
    }

    #[tokio::test]
    async fn what_is_left_is_gone_on_with() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("f");
        let bytes: Vec<u8> = (0..BUFFER * 2 + 5).map(|i| (i % 241) as u8).collect();
        let whole = Some(bytes.len() as u64);
        std::fs::write(dir.path().join("model"), &bytes).unwrap();
        let checksum = Checksum::Adler32(0).of_file(&dir.path().join("model")).unwrap();
        assert!(matches!(Sink::find(&place, checksum, whole), Found::Nothing));
        let mut sink = Sink::new(&place, checksum);
        sink.push(&bytes[..BUFFER + 3]).await.unwrap();
        sink.worker.ready().await.unwrap();
        assert!(matches!(Sink::find(&place, checksum, whole), Found::Busy(_)));
        drop(sink);
        let Found::Beginning(mut sink) = Sink::find(&place, checksum, whole) else { panic!("nothing") };
        let there = usize::try_from(sink.received()).unwrap();
        assert!(there == BUFFER + 3 && sink.is_pieced());
        sink.push(&bytes[there..]).await.unwrap();
        let complete = sink.complete().await.unwrap();
        assert_eq!(complete.checksum, checksum);
        complete.put().unwrap();
        assert_eq!(std::fs::read(&place).unwrap(), bytes);
        assert_eq!(names(dir.path()).len(), 2);

        // Longer than the file itself: it counts for nothing.
        let mut sink = Sink::new(&place, checksum);
        sink.push(&bytes).await.unwrap();
        sink.worker.ready().await.unwrap();
        drop(sink);
        let Found::Beginning(sink) = Sink::find(&place, checksum, Some(7)) else { panic!("nothing") };
        assert_eq!((sink.received(), sink.is_pieced()), (0, false));
    }

    #[tokio::test]
    async fn a_missing_folder_is_reported() {
        let mut sink = Sink::new(Path::new("/nowhere/at/all/f"), Checksum::Unknown);
        sink.push(b"x").await.unwrap();
        assert_eq!(sink.complete().await.unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
