//! A file received in order, from its first byte on: writes it to a temporary file and computes its checksum.
//!
//! A worker thread computes the checksum and writes while the next bytes are received (double buffering). The last
//! buffer, which is all of a small file, is written without the worker thread if the disk is fast.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;

use super::BUFFER;
use super::blocking_worker::{BlockingWorker, DiskSpeed};
use super::complete_file::CompleteFile;
use super::ranged_file::RangedFile;
use super::temporary::{FileCreator, TemporaryFile};
use crate::transfer::checksum::{Checksum, Hasher};

/// Speed of the disk with the last buffer of a file.
static LAST_BUFFER_SPEED: DiskSpeed = DiskSpeed::unknown();

/// A file that is being written under a temporary name in its target folder. On drop it is kept only if it can be
/// resumed.
#[derive(Debug)]
pub(crate) struct SequentialFile {
    file: TemporaryFile,
    filling: Vec<u8>,
    received: u64,
    has_several_responses: bool,
    worker: BlockingWorker<SequentialWriter>,
}

/// The state owned by the worker thread.
#[derive(Debug)]
struct SequentialWriter {
    creator: FileCreator,
    file: Option<Arc<File>>,
    hasher: Hasher,
    buffer: Vec<u8>,
}

impl SequentialFile {
    /// Continues the partial file of an earlier process, which is read once to compute its checksum. Errors: it cannot
    /// be read.
    pub(super) fn from_leftover(file: TemporaryFile, open: Arc<File>, expected: Checksum) -> io::Result<Self> {
        let (hasher, received) = read_through(&open, expected)?;
        let writer = SequentialWriter { creator: file.creator(), file: Some(open), hasher, buffer: Vec::new() };
        let worker = BlockingWorker::new(writer);
        Ok(Self { file, filling: Vec::new(), received, has_several_responses: received > 0, worker })
    }

    /// Removes the partial file.
    pub(crate) fn discard(mut self) {
        self.file.discard_on_drop();
    }

    /// Creates a file for this destination, whose temporary file is made in the same folder. The kind of checksum is
    /// that of `expected`.
    pub(crate) fn new(destination: &Path, expected: Checksum) -> Self {
        let file = TemporaryFile::new(destination, expected);
        let writer =
            SequentialWriter { creator: file.creator(), file: None, hasher: expected.hasher(), buffer: Vec::new() };
        Self {
            file,
            filling: Vec::new(),
            received: 0,
            has_several_responses: false,
            worker: BlockingWorker::new(writer),
        }
    }

    /// Returns the number of bytes received.
    pub(crate) fn received(&self) -> u64 {
        self.received
    }

    /// Marks the file as composed of several responses.
    pub(crate) fn continue_with_new_response(self) -> Self {
        Self { has_several_responses: true, ..self }
    }

    /// Whether the bytes come from several responses.
    pub(crate) fn has_several_responses(&self) -> bool {
        self.has_several_responses
    }

    /// Adds the next bytes. Errors: an earlier write failed.
    pub(crate) async fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.filling.extend_from_slice(bytes);
        self.received += bytes.len() as u64;
        if self.filling.len() >= BUFFER { self.write().await } else { Ok(()) }
    }

    /// Passes the buffer to the worker thread, once the previous write is done. Cancel-safe: no byte is lost or written
    /// twice.
    async fn write(&mut self) -> io::Result<()> {
        let writer = self.worker.ready().await?;
        std::mem::swap(&mut self.filling, &mut writer.buffer);
        self.worker.start(SequentialWriter::write);
        Ok(())
    }

    /// Waits until all received bytes are written.
    pub(crate) async fn flush(&mut self) -> io::Result<()> {
        if !self.filling.is_empty() {
            self.write().await?;
        }
        self.worker.ready().await.map(drop)
    }

    /// Converts it into a file of this size that is received in several byte ranges. All bytes must have
    /// [settled](Self::flush).
    pub(crate) fn into_ranged(self, whole: u64) -> io::Result<RangedFile> {
        let writer = self.worker.into_inner()?;
        Ok(RangedFile::from_prefix(self.file, writer.file, whole, (self.received, writer.hasher.finish())))
    }

    /// Writes the last bytes and returns the complete file. Errors: a write failed.
    pub(crate) async fn complete(mut self) -> io::Result<CompleteFile> {
        let writer = self.worker.ready().await?;
        std::mem::swap(&mut self.filling, &mut writer.buffer);
        self.worker.run_short(&LAST_BUFFER_SPEED, SequentialWriter::write).await?;
        self.file.discard_on_drop();
        let writer = self.worker.into_inner()?;
        Ok(CompleteFile::new(self.file, writer.hasher.finish(), self.has_several_responses))
    }
}

impl SequentialWriter {
    fn write(&mut self) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(self.creator.create()?),
        };
        self.hasher.update(&self.buffer);
        file.as_ref().write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}

/// Hashes an existing partial file. Returns the hasher and the file's size.
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
    use crate::transfer::partial_file::leftover::Leftover;
    use crate::transfer::partial_file::resume_state::ResumeState;

    fn names(folder: &Path) -> Vec<String> {
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    fn found(destination: &Path, checksum: Checksum, bytes: Option<u64>) -> SequentialFile {
        match ResumeState::from_leftover(destination, checksum, bytes) {
            Leftover::Resumable(ResumeState { sequential: Some(file), .. }) => file,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn sink_writes_in_order_with_a_checksum() {
        let dir = tempfile::tempdir().unwrap();
        let destination = dir.path().join("f");
        let bytes: Vec<u8> = (0..BUFFER * 3 + 5).map(|i| (i % 249) as u8).collect();
        let mut file = SequentialFile::new(&destination, Checksum::Adler32(0));
        for piece in bytes.chunks(70_001) {
            file.push(piece).await.unwrap();
        }
        assert_eq!(file.received(), bytes.len() as u64);
        let complete = file.complete().await.unwrap();
        assert!(!destination.exists() && names(dir.path()).len() == 1);
        let checksum = complete.checksum;
        assert_eq!(complete.persist().unwrap(), destination);
        assert_eq!(std::fs::read(&destination).unwrap(), bytes);
        assert_eq!(checksum, checksum.of_file(&destination).unwrap());
        assert_eq!(names(dir.path()), ["f"]);
    }

    #[tokio::test]
    async fn sink_creates_an_empty_file() {
        let dir = tempfile::tempdir().unwrap();
        SequentialFile::new(&dir.path().join("empty"), Checksum::Unknown).complete().await.unwrap().persist().unwrap();
        assert_eq!(std::fs::metadata(dir.path().join("empty")).unwrap().len(), 0);
    }

    #[tokio::test]
    async fn sink_discard_leaves_nothing_behind_even_while_the_worker_is_busy() {
        let dir = tempfile::tempdir().unwrap();
        for wait in [true, false] {
            let mut file = SequentialFile::new(&dir.path().join("f"), Checksum::Unknown);
            file.push(&vec![1; BUFFER]).await.unwrap();
            if wait {
                file.worker.ready().await.unwrap();
                assert_eq!(names(dir.path()).len(), 1);
            }
            file.discard();
            assert!(names(dir.path()).is_empty());
        }
    }

    #[tokio::test]
    async fn sink_resumes_a_leftover() {
        let dir = tempfile::tempdir().unwrap();
        let destination = dir.path().join("f");
        let bytes: Vec<u8> = (0..BUFFER * 2 + 5).map(|i| (i % 241) as u8).collect();
        let whole = Some(bytes.len() as u64);
        std::fs::write(dir.path().join("model"), &bytes).unwrap();
        let checksum = Checksum::Adler32(0).of_file(&dir.path().join("model")).unwrap();
        assert!(matches!(ResumeState::from_leftover(&destination, checksum, whole), Leftover::None));
        let mut file = SequentialFile::new(&destination, checksum);
        file.push(&bytes[..BUFFER + 3]).await.unwrap();
        file.worker.ready().await.unwrap();
        assert!(matches!(ResumeState::from_leftover(&destination, checksum, whole), Leftover::Busy(_)));
        drop(file);
        let mut file = found(&destination, checksum, whole);
        let there = usize::try_from(file.received()).unwrap();
        assert!(there == BUFFER + 3 && file.has_several_responses());
        file.push(&bytes[there..]).await.unwrap();
        let complete = file.complete().await.unwrap();
        assert_eq!(complete.checksum, checksum);
        complete.persist().unwrap();
        assert_eq!(std::fs::read(&destination).unwrap(), bytes);
        assert_eq!(names(dir.path()).len(), 2);

        // Longer than the file itself: it is discarded.
        let mut file = SequentialFile::new(&destination, checksum);
        file.push(&bytes).await.unwrap();
        file.worker.ready().await.unwrap();
        drop(file);
        let file = found(&destination, checksum, Some(7));
        assert_eq!((file.received(), file.has_several_responses()), (0, false));
    }

    #[tokio::test]
    async fn sink_reports_a_missing_folder() {
        let mut file = SequentialFile::new(Path::new("/nowhere/at/all/f"), Checksum::Unknown);
        file.push(b"x").await.unwrap();
        assert_eq!(file.complete().await.unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
