//! A file shared by several readers, each at its own position.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// A position in a file. Clones share the file, not the position.
#[derive(Debug, Clone)]
pub(super) struct Window {
    file: Arc<File>,
    position: u64,
    length: u64,
}

impl Window {
    /// Starts at the beginning of a file, whose length must not change.
    pub(super) fn new(file: File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        Ok(Self { file: Arc::new(file), position: 0, length })
    }

    /// Returns the number of open handles.
    #[cfg(test)]
    pub(super) fn holders(&self) -> usize {
        Arc::strong_count(&self.file)
    }

    /// Returns the first bytes, at most this many.
    pub(super) fn start(&self, bytes: usize) -> io::Result<Vec<u8>> {
        let mut start = Vec::with_capacity(bytes);
        Self { position: 0, ..self.clone() }.take(bytes as u64).read_to_end(&mut start)?;
        Ok(start)
    }
}

impl Read for Window {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.position)?;
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for Window {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.length.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}
