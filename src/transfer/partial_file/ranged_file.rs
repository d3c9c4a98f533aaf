//! A file received in several byte ranges at the same time, written to one temporary file with a footer ([`super::trailer`])
//! that records the received ranges ([`super::range_map`]). Which range to request from which source is decided in
//! `download::split`.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use simd_adler32::Adler32;

use super::BUFFER;
use super::blocking_worker::BlockingWorker;
use super::complete_file::CompleteFile;
use super::range_map::{RangeMap, ReceivedRange};
use super::temporary::{FileCreator, TemporaryFile};
use super::trailer;
use crate::storage::ByteRange;
use crate::transfer::checksum::Checksum;

/// Number of bytes after which the footer is written again. Chosen: at most this much is downloaded again after a crash.
const RECORD_INTERVAL: u64 = 1024 * 1024;

/// A file of which any byte ranges may have been received, under a temporary name in its target folder. On drop it is
/// kept only if it can be resumed.
#[derive(Debug)]
pub(crate) struct RangedFile {
    file: TemporaryFile,
    whole: u64,
    received: u64,
    buffers: Vec<WriteBuffer>,
    worker: BlockingWorker<RangeWriter>,
}

/// Received bytes of one range that are not yet written.
#[derive(Debug, Default)]
struct WriteBuffer {
    start: u64,
    bytes: Vec<u8>,
}

/// The state owned by the worker thread.
#[derive(Debug)]
struct RangeWriter {
    creator: FileCreator,
    file: Option<Arc<File>>,
    map: RangeMap,
    whole: u64,
    /// Number of bytes written since the last footer; `None` if no footer has been written.
    unrecorded_bytes: Option<u64>,
    writing: WriteBuffer,
}

impl RangedFile {
    /// Creates the ranges of a file of this size whose first `length` bytes have been received and have this checksum.
    pub(crate) fn from_prefix(
        file: TemporaryFile,
        open: Option<Arc<File>>,
        whole: u64,
        (length, checksum): (u64, Checksum),
    ) -> Self {
        let mut map = RangeMap::default();
        if let Checksum::Adler32(adler32) = checksum {
            map.add(ReceivedRange { range: ByteRange::new(0, length), adler32 });
        }
        Self::new(file, open, whole, map)
    }

    /// Wraps a temporary file with these ranges of a file of this size.
    pub(super) fn new(file: TemporaryFile, open: Option<Arc<File>>, whole: u64, map: RangeMap) -> Self {
        let received = map.bytes();
        let writer = RangeWriter {
            creator: file.creator(),
            file: open,
            map,
            whole,
            unrecorded_bytes: None,
            writing: WriteBuffer::default(),
        };
        Self { file, whole, received, buffers: Vec::new(), worker: BlockingWorker::new(writer) }
    }

    /// Returns the number of bytes received.
    pub(crate) fn received(&self) -> u64 {
        self.received
    }

    /// Adds bytes that belong at `start`; the caller ensures that none come twice. Each connection has its own buffer.
    /// Errors: an earlier write failed.
    pub(crate) async fn push(&mut self, slot: usize, start: u64, bytes: &[u8]) -> io::Result<()> {
        if slot >= self.buffers.len() {
            self.buffers.resize_with(slot + 1, WriteBuffer::default);
        }
        if self.buffers[slot].end() != start {
            self.write(slot).await?;
            self.buffers[slot].start = start;
        }
        self.buffers[slot].bytes.extend_from_slice(bytes);
        self.received += bytes.len() as u64;
        if self.buffers[slot].bytes.len() >= BUFFER { self.write(slot).await } else { Ok(()) }
    }

    /// Passes the buffer of a connection to the worker thread, once the previous write is done.
    async fn write(&mut self, slot: usize) -> io::Result<()> {
        let writer = self.worker.ready().await?;
        let slot = &mut self.buffers[slot];
        if slot.bytes.is_empty() {
            return Ok(());
        }
        std::mem::swap(&mut writer.writing, slot);
        slot.start = writer.writing.end();
        slot.bytes.clear();
        self.worker.start(RangeWriter::write);
        Ok(())
    }

    /// Waits until all received bytes are written.
    async fn flush(&mut self) -> io::Result<&mut RangeWriter> {
        for slot in 0..self.buffers.len() {
            self.write(slot).await?;
        }
        self.worker.ready().await
    }

    /// Returns the missing ranges, in order. No bytes may be added meanwhile.
    pub(crate) async fn missing_ranges(&mut self) -> io::Result<Vec<ByteRange>> {
        let whole = self.whole;
        Ok(self.flush().await?.map.missing_ranges(whole))
    }

    /// Removes the partial file.
    pub(crate) fn discard(mut self) {
        self.file.discard_on_drop();
    }

    /// Returns the complete file. Errors: a write failed, or a range is missing.
    pub(crate) async fn complete(mut self) -> io::Result<CompleteFile> {
        let whole = self.whole;
        if !self.flush().await?.map.missing_ranges(whole).is_empty() {
            return Err(io::Error::other("parts of the file are missing"));
        }
        let writer = self.worker.into_inner()?;
        if let Some(file) = &writer.file {
            file.set_len(whole)?;
        }
        Ok(CompleteFile::new(self.file, Checksum::Adler32(writer.map.first_range().adler32), true))
    }
}

impl WriteBuffer {
    fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }
}

impl RangeWriter {
    /// Writes the bytes before the footer that records them; but before the first bytes it writes a footer, which marks
    /// the file as one with missing ranges.
    fn write(&mut self) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file.clone(),
            none => none.insert(self.creator.create()?).clone(),
        };
        if self.unrecorded_bytes.is_none() {
            self.write_trailer(&file)?;
        }
        file.write_all_at(&self.writing.bytes, self.writing.start)?;
        let mut hasher = Adler32::new();
        hasher.write(&self.writing.bytes);
        let range = ByteRange::new(self.writing.start, self.writing.end());
        self.map.add(ReceivedRange { range, adler32: hasher.finish() });
        let unrecorded_bytes = self.unrecorded_bytes.unwrap_or(0) + self.writing.bytes.len() as u64;
        self.unrecorded_bytes = Some(unrecorded_bytes);
        self.writing.bytes.clear();
        if unrecorded_bytes >= RECORD_INTERVAL { self.write_trailer(&file) } else { Ok(()) }
    }

    fn write_trailer(&mut self, file: &File) -> io::Result<()> {
        self.unrecorded_bytes = Some(0);
        file.write_all_at(&trailer::encode(&self.map, self.whole), self.whole)
    }
}

/// Reads the received ranges from the footer of a file of this size; `None` if it has no valid footer. The ranges are read
/// once: one whose checksum differs from the footer is dropped. Errors: the file cannot be read.
pub(super) fn read_range_map(file: &File, whole: u64) -> io::Result<Option<RangeMap>> {
    let Some(ranges) = trailer::decode(&read_trailer(file, whole)?, whole) else { return Ok(None) };
    let mut map = RangeMap::default();
    for received in ranges {
        if checksum_of_range(file, received.range)? == received.adler32 {
            map.add(received);
        }
    }
    Ok(Some(map))
}

/// Reads the bytes from `start` on, at most as many as a footer may have.
fn read_trailer(file: &File, start: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; trailer::LONGEST];
    let mut length = 0;
    while length < bytes.len() {
        match file.read_at(&mut bytes[length..], start + length as u64) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(length);
    Ok(bytes)
}

fn checksum_of_range(file: &File, range: ByteRange) -> io::Result<u32> {
    let (mut hasher, mut block, mut at) = (Adler32::new(), vec![0; BUFFER], range.start);
    while at < range.end {
        let length = usize::try_from(range.end - at).unwrap_or(BUFFER).min(BUFFER);
        match file.read_at(&mut block[..length], at) {
            Ok(0) => break,
            Ok(read) => {
                hasher.write(&block[..read]);
                at += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transfer::partial_file::leftover::Leftover;
    use crate::transfer::partial_file::resume_state::ResumeState;
    use crate::transfer::partial_file::sequential_file::SequentialFile;
    use std::path::Path;

    /// Returns bytes, their checksum, and a folder for them.
    fn file(length: usize) -> (Vec<u8>, Checksum, tempfile::TempDir) {
        let bytes: Vec<u8> = (0..length).map(|i| (i % 241 + i / 1000) as u8).collect();
        let mut hasher = Checksum::Adler32(0).hasher();
        hasher.update(&bytes);
        (bytes, hasher.finish(), tempfile::tempdir().unwrap())
    }

    /// Returns a file whose first bytes have been received.
    async fn begun(place: &Path, checksum: Checksum, bytes: &[u8], first: usize) -> RangedFile {
        let mut file = SequentialFile::new(place, checksum);
        file.push(&bytes[..first]).await.unwrap();
        file.flush().await.unwrap();
        file.into_ranged(bytes.len() as u64).unwrap()
    }

    fn found(place: &Path, checksum: Checksum, length: usize) -> RangedFile {
        match ResumeState::from_leftover(place, checksum, Some(length as u64)) {
            Leftover::Resumable(ResumeState { ranged: Some(file), .. }) => file,
            other => panic!("{other:?}"),
        }
    }

    fn part(folder: &Path) -> std::path::PathBuf {
        std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path()
    }

    #[tokio::test]
    async fn partial_ranges_come_in_any_order_and_make_one_file() {
        let (bytes, checksum, dir) = file(2_000_000);
        let place = dir.path().join("f");
        for first in [0, 100_000] {
            let mut file = begun(&place, checksum, &bytes, first).await;
            let cuts = [first, 700_000, 1_300_000, bytes.len()];
            let mut at: Vec<_> = cuts.windows(2).map(|cut| (cut[0], cut[1])).collect();
            while at.iter().any(|(start, end)| start < end) {
                for (slot, (start, end)) in at.iter_mut().enumerate().rev() {
                    let upto = (*start + 70_001).min(*end);
                    file.push(slot, *start as u64, &bytes[*start..upto]).await.unwrap();
                    *start = upto;
                }
            }
            assert_eq!(file.received(), bytes.len() as u64);
            assert!(file.missing_ranges().await.unwrap().is_empty());
            let complete = file.complete().await.unwrap();
            assert!(complete.checksum == checksum && complete.has_several_responses && !place.exists());
            assert_eq!(complete.persist().unwrap(), place);
            assert_eq!(std::fs::read(&place).unwrap(), bytes);
            std::fs::remove_file(&place).unwrap();
            assert!(std::fs::read_dir(dir.path()).unwrap().next().is_none());
        }
    }

    #[tokio::test]
    async fn partial_ranges_with_gaps_are_resumed() {
        let (bytes, checksum, dir) = file(6_000_000);
        let place = dir.path().join("f");
        let mut file = begun(&place, checksum, &bytes, 300_000).await;
        // More than one connection's buffer is recorded, but not all.
        file.push(3, 4_000_000, &bytes[4_000_000..5_500_000]).await.unwrap();
        file.push(1, 1_000_000, &bytes[1_000_000..2_400_000]).await.unwrap();
        file.missing_ranges().await.unwrap();
        drop(file);
        assert!(!place.exists());
        let mut file = found(&place, checksum, bytes.len());
        assert_eq!(file.received(), 300_000 + 1_500_000 + 1_400_000);
        let missing_ranges = file.missing_ranges().await.unwrap();
        let expected = [(300_000, 1_000_000), (2_400_000, 4_000_000), (5_500_000, 6_000_000)];
        assert_eq!(missing_ranges, expected.map(|(start, end)| ByteRange::new(start, end)));
        for (slot, range) in missing_ranges.into_iter().enumerate() {
            let (start, end) = (usize::try_from(range.start).unwrap(), usize::try_from(range.end).unwrap());
            file.push(slot, range.start, &bytes[start..end]).await.unwrap();
        }
        let complete = file.complete().await.unwrap();
        assert_eq!(complete.checksum, checksum);
        complete.persist().unwrap();
        assert_eq!(std::fs::read(&place).unwrap(), bytes);
    }

    #[tokio::test]
    async fn partial_ranges_that_are_spoiled_are_fetched_again() {
        let (bytes, checksum, dir) = file(3_000_000);
        let place = dir.path().join("f");
        let mut file = begun(&place, checksum, &bytes, 300_000).await;
        file.push(0, 1_000_000, &bytes[1_000_000..2_500_000]).await.unwrap();
        file.missing_ranges().await.unwrap();
        drop(file);
        let path = part(dir.path());
        let written = std::fs::read(&path).unwrap();
        let mut spoiled = written.clone();
        spoiled[1_234_567] ^= 1;
        std::fs::write(&path, &spoiled).unwrap();
        let mut file = found(&place, checksum, bytes.len());
        assert_eq!(file.missing_ranges().await.unwrap(), [ByteRange::new(300_000, 3_000_000)]);
        drop(file);

        for false_map in [bytes.len() + 1, written.len() - 1] {
            let mut torn = written.clone();
            torn.truncate(false_map);
            std::fs::write(&path, &torn).unwrap();
            match ResumeState::from_leftover(&place, checksum, Some(bytes.len() as u64)) {
                Leftover::Resumable(ResumeState { sequential: Some(file), .. }) => assert_eq!(file.received(), 0),
                other => panic!("{other:?}"),
            }
            assert!(!path.exists(), "nothing is left of it");
        }
    }

    #[tokio::test]
    async fn partial_file_with_gaps_is_not_complete() {
        let (bytes, checksum, dir) = file(1_000_000);
        let place = dir.path().join("f");
        let mut file = begun(&place, checksum, &bytes, 0).await;
        file.push(0, 10, &bytes[10..]).await.unwrap();
        assert!(file.complete().await.unwrap_err().to_string().contains("missing"));
        assert!(!place.exists());
    }
}
