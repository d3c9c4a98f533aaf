//! Reads open files: several reads are under way, their bytes are returned in order.

use std::collections::VecDeque;

use bytes::Bytes;

use super::connection::{Connection, Pending};
use super::frame::invalid;
use super::pending::{Answer, Limit};
use super::pool::Lease;
use super::status::FileInfo;
use super::waits::Waits;
use super::wire::{Handle, Request, text};
use crate::storage::{ByteRange, Result, StorageError, StorageErrorKind};

/// Bytes per read and number of reads under way: 8 MiB are enough for 80 MB/s over 100 ms, and several files fit into
/// memory.
const BLOCK: u32 = 1024 * 1024;
const WINDOW: usize = 8;
/// Position of the metadata in the response to an open, after the handle and the compression.
const INFO: usize = 12;

/// An open file. Closed on drop, without waiting for the response.
#[derive(Debug)]
pub(super) struct OpenFile {
    lease: Lease,
    handle: Handle,
    pub(super) info: FileInfo,
}

impl OpenFile {
    /// Parses the response to an open. Errors: also if it is not a file.
    pub(super) fn new(lease: Lease, body: &Bytes) -> Result<Self> {
        let handle = body.first_chunk::<4>().ok_or_else(|| invalid("an open file without a handle"))?;
        let info = body.get(INFO..).and_then(|info| FileInfo::parse(&text(info)));
        let info = info.ok_or_else(|| invalid("an open file without its size"))?;
        let file = Self { lease, handle: *handle, info };
        if !file.info.is_file() {
            return Err(StorageError::new(StorageErrorKind::Refused, "the path is not a regular file"));
        }
        Ok(file)
    }

    /// Returns the connection that it was opened on.
    pub(super) fn connection(&self) -> &Connection {
        &self.lease.connection
    }

    /// Reads bytes by one request. Errors: also if there are none.
    pub(super) async fn read_once(&self, range: ByteRange) -> Result<Bytes> {
        let mut waits = Waits::default();
        loop {
            match self.read(range).answer().await? {
                Answer::Ok(bytes) if bytes.is_empty() => return Err(self.too_short(range.start)),
                Answer::Ok(bytes) => return Ok(bytes),
                Answer::Wait(time) => waits.wait(time).await?,
                Answer::Error(error) => return Err(error.into()),
                Answer::Redirect { .. } | Answer::AuthMore(_) => return Err(invalid("no bytes of the file")),
            }
        }
    }

    fn too_short(&self, end: u64) -> StorageError {
        let message = format!("the file ends after {end} of {} bytes", self.info.bytes);
        StorageError::new(StorageErrorKind::Transient, message)
    }

    fn read(&self, range: ByteRange) -> Pending {
        let length = range.len() as u32;
        let request = Request::Read { handle: self.handle, offset: range.start, length };
        self.lease.connection.send(&request, Limit::Bytes(length as usize))
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        drop(self.lease.connection.send(&Request::Close { handle: self.handle }, Limit::Text));
    }
}

/// Reads bytes of a file.
#[derive(Debug)]
pub(super) struct FileReader {
    // Before the file: a read is dropped before its file is closed.
    window: VecDeque<(ByteRange, Pending)>,
    file: OpenFile,
    /// What has not been requested.
    rest: ByteRange,
    waits: Waits,
}

impl FileReader {
    pub(super) fn new(file: OpenFile, range: ByteRange) -> Self {
        Self { window: VecDeque::new(), file, rest: range, waits: Waits::default() }
    }

    /// Returns the next bytes and the reader, `None` at the end.
    pub(super) async fn next(mut self) -> Result<Option<(Bytes, Self)>> {
        self.fill();
        let Some((range, mut pending)) = self.window.pop_front() else { return Ok(None) };
        loop {
            match pending.answer().await? {
                Answer::Ok(bytes) if bytes.is_empty() => return Err(self.file.too_short(range.start)),
                Answer::Ok(bytes) => {
                    let (_, missing) = range.split_at(range.start + bytes.len() as u64);
                    if !missing.is_empty() {
                        self.window.push_front((missing, self.file.read(missing)));
                    }
                    return Ok(Some((bytes, self)));
                }
                Answer::Wait(time) => {
                    self.waits.wait(time).await?;
                    pending = self.file.read(range);
                }
                Answer::Error(error) => return Err(error.into()),
                Answer::Redirect { .. } | Answer::AuthMore(_) => return Err(invalid("no bytes of the file")),
            }
        }
    }

    fn fill(&mut self) {
        while self.window.len() < WINDOW && !self.rest.is_empty() {
            let (next, rest) = self.rest.split_at(self.rest.start + u64::from(BLOCK));
            self.window.push_back((next, self.file.read(next)));
            self.rest = rest;
        }
    }
}
