//! The local file of an upload: read once, in blocks, with the digests of what was read.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use bytes::Bytes;
use md5::{Digest as _, Md5};
use simd_adler32::Adler32;

use super::{Sent, SentDigests};
use crate::storage::file::blocking;
use crate::storage::{Result, StorageError};

/// Block size in bytes.
const BLOCK: u64 = 1024 * 1024;
/// Number of blocks that may wait for the thread that computes the MD5. Chosen: covers its delays, at 4 MiB a file.
const WAITING_BLOCKS: usize = 4;

/// A local file that is being sent.
pub(crate) struct Source {
    file: File,
    metadata: Metadata,
    position: u64,
    adler32: Adler32,
    md5: Option<RunningMd5>,
    sent: Sent,
}

impl Source {
    /// Opens the file; `sent` gets its digests in the end. Errors: it cannot be read.
    pub(crate) fn open(path: &Path, sent: &Sent) -> io::Result<Self> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        sent.restart();
        let md5 = sent.has_md5().then(|| RunningMd5::new(metadata.len()));
        Ok(Self { file, metadata, position: 0, adler32: Adler32::new(), md5, sent: sent.clone() })
    }

    /// Returns the metadata of the file when it was opened.
    pub(crate) fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Returns its size in bytes when it was opened. Exactly this number is read: storages get the size before the content.
    pub(crate) fn length(&self) -> u64 {
        self.metadata.len()
    }

    /// Returns whether as many bytes were read as the file has by its size. That it has no more is seen by the next read.
    pub(crate) fn is_read(&self) -> bool {
        self.position == self.length()
    }

    /// Returns the number of bytes read so far.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Reads the next block, which is empty at the end. Errors: also if the file is shorter or longer than its size, because it
    /// has changed or has none (`/proc`).
    pub(crate) fn next_block(&mut self) -> io::Result<Bytes> {
        // One byte more shows that the file has grown.
        let wanted = BLOCK.min(self.length() - self.position + 1);
        let mut block = Vec::with_capacity(wanted as usize);
        (&self.file).take(wanted).read_to_end(&mut block)?;
        let rest = self.length() - self.position;
        if block.len() as u64 > rest {
            return Err(self.other_length(io::ErrorKind::InvalidData, "longer"));
        }
        if block.is_empty() && rest > 0 {
            return Err(self.other_length(io::ErrorKind::UnexpectedEof, "shorter"));
        }
        let block = Bytes::from(block);
        self.position += block.len() as u64;
        self.adler32.write(&block);
        if let Some(md5) = &mut self.md5 {
            md5.update(&block);
        }
        Ok(block)
    }

    fn other_length(&self, kind: io::ErrorKind, comparison: &str) -> io::Error {
        io::Error::new(kind, format!("the local file is {comparison} than its size of {} bytes", self.length()))
    }

    /// The same, away from the asynchronous tasks. Returns the block and itself.
    pub(in crate::storage) async fn read_block(mut self) -> Result<(Self, Bytes)> {
        blocking(move || self.next_block().map(|block| (self, block)).map_err(StorageError::from)).await
    }

    /// Publishes the digests: the whole file was read and sent.
    pub(crate) fn finish(self) {
        let md5 = self.md5.and_then(RunningMd5::finish);
        self.sent.finish(SentDigests { bytes: self.position, adler32: self.adler32.finish(), md5 });
    }
}

/// The MD5 of a file while it is read: that of a large one is computed beside the sending, as it takes as long.
enum RunningMd5 {
    Here(Md5),
    InThread { blocks: SyncSender<Bytes>, thread: JoinHandle<Md5> },
}

impl RunningMd5 {
    fn new(length: u64) -> Self {
        if length <= BLOCK {
            return Self::Here(Md5::new());
        }
        let (blocks, waiting) = sync_channel::<Bytes>(WAITING_BLOCKS);
        let thread = std::thread::spawn(move || waiting.into_iter().fold(Md5::new(), Md5::chain_update));
        Self::InThread { blocks, thread }
    }

    fn update(&mut self, block: &Bytes) {
        match self {
            Self::Here(md5) => md5.update(block),
            // It ends only when this sender is dropped.
            Self::InThread { blocks, .. } => drop(blocks.send(block.clone())),
        }
    }

    fn finish(self) -> Option<[u8; 16]> {
        let md5 = match self {
            Self::Here(md5) => md5,
            Self::InThread { blocks, thread } => {
                drop(blocks);
                thread.join().ok()?
            }
        };
        Some(md5.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use super::*;

    fn content(size: u64) -> Vec<u8> {
        (0..size).map(|index| (index / 7) as u8).collect()
    }

    /// Reads a file to its end.
    fn read(source: &mut Source) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        loop {
            let block = source.next_block()?;
            if block.is_empty() {
                return Ok(bytes);
            }
            bytes.extend_from_slice(&block);
        }
    }

    #[test]
    fn source_has_every_byte_and_both_digests() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for size in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 9 * BLOCK, 9 * BLOCK + 7] {
            let bytes = content(size);
            fs::write(file.path(), &bytes).unwrap();
            for sent in [Sent::default(), Sent::with_md5()] {
                let mut source = Source::open(file.path(), &sent).unwrap();
                assert!(read(&mut source).unwrap() == bytes && source.is_read(), "{size}");
                source.finish();
                let md5 = sent.has_md5().then(|| Md5::digest(&bytes).into());
                let expected = SentDigests { bytes: size, adler32: simd_adler32::adler32(&&bytes[..]), md5 };
                assert_eq!(sent.whole(), Some(expected), "{size}");
            }
        }
    }

    #[test]
    fn source_that_is_left_unfinished_has_no_digests() {
        let (file, sent) = (tempfile::NamedTempFile::new().unwrap(), Sent::with_md5());
        fs::write(file.path(), content(20 * BLOCK)).unwrap();
        let mut source = Source::open(file.path(), &sent).unwrap();
        source.next_block().unwrap();
        drop(source);
        assert_eq!(sent.whole(), None);
    }

    #[test]
    fn source_that_becomes_longer_or_shorter_is_an_error() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), content(BLOCK)).unwrap();
        let mut source = Source::open(file.path(), &Sent::default()).unwrap();
        file.write_all(&content(BLOCK + 1)).unwrap();
        assert_eq!(read(&mut source).unwrap_err().kind(), io::ErrorKind::InvalidData);
        let mut source = Source::open(file.path(), &Sent::default()).unwrap();
        file.as_file().set_len(9).unwrap();
        assert_eq!(read(&mut source).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
