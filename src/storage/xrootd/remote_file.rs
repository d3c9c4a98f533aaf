//! A file at a server as a blocking reader, for a thread that unpacks zip archives.

use std::io::{self, Read, Seek, SeekFrom};

use bytes::Bytes;
use tokio::runtime::Handle;

use super::reader::OpenFile;
use crate::storage::{ByteRange, StorageError};

/// Bytes that are requested at once: few at a new place, up to many where reading continues.
const MIN_BLOCK: u64 = 64 * 1024;
const MAX_BLOCK: u64 = 4 * 1024 * 1024;

/// An open file and a position in it.
pub(super) struct RemoteFile {
    file: OpenFile,
    runtime: Handle,
    position: u64,
    /// The bytes received last, and their offset.
    block: Bytes,
    start: u64,
    /// Number of bytes requested last.
    requested: u64,
}

impl RemoteFile {
    /// Creates it; `runtime` runs the connection of the file.
    pub(super) fn new(file: OpenFile, runtime: Handle) -> Self {
        Self { file, runtime, position: 0, block: Bytes::new(), start: 0, requested: 0 }
    }

    /// Returns the bytes received last from the position on.
    fn present(&self) -> &[u8] {
        let skipped = self.position.checked_sub(self.start).and_then(|skipped| usize::try_from(skipped).ok());
        skipped.and_then(|skipped| self.block.get(skipped..)).unwrap_or_default()
    }

    /// Requests the bytes at the position.
    fn receive(&mut self) -> Result<(), StorageError> {
        let continues = self.position == self.start + self.block.len() as u64 && !self.block.is_empty();
        self.requested = if continues { (self.requested * 2).min(MAX_BLOCK) } else { MIN_BLOCK };
        let end = (self.position + self.requested).min(self.file.info.bytes);
        self.block = self.runtime.block_on(self.file.read_once(ByteRange::new(self.position, end)))?;
        self.start = self.position;
        Ok(())
    }
}

impl Read for RemoteFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.present().is_empty() && self.position < self.file.info.bytes {
            self.receive().map_err(io::Error::other)?;
        }
        let present = self.present();
        let length = present.len().min(buffer.len());
        buffer[..length].copy_from_slice(&present[..length]);
        self.position += length as u64;
        Ok(length)
    }
}

impl Seek for RemoteFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.file.info.bytes.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}
