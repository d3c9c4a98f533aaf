//! Writes a file over SFTP with many requests in flight, so that latency does not limit the speed.

use std::collections::VecDeque;

use bytes::Bytes;

use super::packet::SftpRequest;
use super::session::Session;
use crate::storage::write::{Sent, Source};
use crate::storage::{Result, StorageError, StorageErrorKind};

/// Number of bytes per request; servers need not support more.
const WRITE_SIZE: usize = 32 * 1024;
/// Maximum number of requests in flight.
const AHEAD: usize = 64;

/// A write operation that sends one file.
struct FileWriter<'a> {
    session: &'a mut Session,
    handle: &'a [u8],
    sent: &'a Sent,
    /// Ids and lengths of the requests in flight.
    pending: VecDeque<(u32, u64)>,
    /// Number of bytes that the host has confirmed.
    confirmed: u64,
}

/// Writes a local file to an open one. Returns when the host has confirmed every byte.
pub(super) async fn write_file(session: &mut Session, handle: &[u8], mut source: Source, sent: &Sent) -> Result<()> {
    let mut writer = FileWriter { session, handle, sent, pending: VecDeque::new(), confirmed: 0 };
    let mut offset = 0;
    loop {
        let block;
        (source, block) = source.read_block().await?;
        if block.is_empty() {
            break;
        }
        offset = writer.write(block, offset).await?;
    }
    while !writer.pending.is_empty() {
        writer.confirm().await?;
    }
    source.finish();
    Ok(())
}

impl FileWriter<'_> {
    /// Sends a block. Returns the offset after it.
    async fn write(&mut self, block: Bytes, mut offset: u64) -> Result<u64> {
        for data in block.chunks(WRITE_SIZE) {
            if self.pending.len() == AHEAD {
                self.session.send().await?;
                self.confirm().await?;
            }
            let id = self.session.queue_request(SftpRequest::Write { handle: self.handle, offset, data });
            self.pending.push_back((id, data.len() as u64));
            offset += data.len() as u64;
        }
        self.session.send().await?;
        Ok(offset)
    }

    /// Receives the response to one request.
    async fn confirm(&mut self) -> Result<()> {
        let (id, response) = self.session.next_response().await?;
        let index = self.pending.iter().position(|(pending, _)| *pending == id);
        let Some((_, bytes)) = index.and_then(|index| self.pending.remove(index)) else {
            return Err(StorageError::new(StorageErrorKind::Refused, "sftp: an answer to no question"));
        };
        // The protocol has no status for a full disk.
        response.done().map_err(|error| StorageError {
            message: format!("{}; the host may have no space left", error.message),
            ..error
        })?;
        self.confirmed += bytes;
        self.sent.set_taken(self.confirmed);
        Ok(())
    }
}
