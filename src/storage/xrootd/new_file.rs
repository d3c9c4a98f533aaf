//! Writes new files: several writes are under way, and every byte is confirmed before the file is closed.

use std::collections::VecDeque;

use bytes::Bytes;

use super::connection::Pending;
use super::frame::invalid;
use super::pending::{Answer, Limit};
use super::pool::Lease;
use super::waits::Waits;
use super::wire::{Handle, Request};
use crate::storage::Result;
use crate::storage::write::{Sent, Source};

/// Number of writes under way, of one block of the source each.
const WINDOW: usize = 8;

/// A file that was created. Closed on drop, without waiting for the response.
#[derive(Debug)]
pub(super) struct NewFile {
    lease: Lease,
    handle: Handle,
    is_closed: bool,
}

/// A write that the server has not confirmed.
struct Unconfirmed {
    offset: u64,
    data: Bytes,
    pending: Pending,
}

impl NewFile {
    /// Parses the response to a create.
    pub(super) fn new(lease: Lease, body: &Bytes) -> Result<Self> {
        let handle = body.first_chunk::<4>().ok_or_else(|| invalid("an open file without a handle"))?;
        Ok(Self { lease, handle: *handle, is_closed: false })
    }

    /// Writes a local file and closes this one. Errors: also those that the server reports at the end only.
    pub(super) async fn write_all(self, mut source: Source, sent: &Sent) -> Result<()> {
        let (mut window, mut offset, mut waits) = (VecDeque::new(), 0, Waits::default());
        loop {
            let data;
            (source, data) = source.read_block().await?;
            if data.is_empty() {
                break;
            }
            let length = data.len() as u64;
            window.push_back(self.write(offset, data));
            offset += length;
            if window.len() == WINDOW {
                self.confirm(&mut window, &mut waits, sent).await?;
            }
        }
        while !window.is_empty() {
            self.confirm(&mut window, &mut waits, sent).await?;
        }
        self.close().await?;
        source.finish();
        Ok(())
    }

    fn write(&self, offset: u64, data: Bytes) -> Unconfirmed {
        let request = Request::Write { handle: self.handle, offset, data: &data };
        let pending = self.lease.connection.send(&request, Limit::Text);
        Unconfirmed { offset, data, pending }
    }

    /// Waits until the server has confirmed the oldest write.
    async fn confirm(&self, window: &mut VecDeque<Unconfirmed>, waits: &mut Waits, sent: &Sent) -> Result<()> {
        let Some(mut oldest) = window.pop_front() else { return Ok(()) };
        while let Some(pause) = done(oldest.pending.answer().await?)? {
            waits.wait(pause).await?;
            oldest = self.write(oldest.offset, oldest.data);
        }
        sent.set_taken(oldest.offset + oldest.data.len() as u64);
        Ok(())
    }

    /// Closes the file. Errors: the server could not store it.
    pub(super) async fn close(mut self) -> Result<()> {
        self.is_closed = true;
        let mut waits = Waits::default();
        loop {
            let request = Request::Close { handle: self.handle };
            match done(self.lease.connection.send(&request, Limit::Text).answer().await?)? {
                None => return Ok(()),
                Some(pause) => waits.wait(pause).await?,
            }
        }
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.is_closed {
            drop(self.lease.connection.send(&Request::Close { handle: self.handle }, Limit::Text));
        }
    }
}

/// Returns after which pause a request is to be sent again; `None` if it was successful. Errors: the server's.
fn done(answer: Answer) -> Result<Option<std::time::Duration>> {
    match answer {
        Answer::Ok(_) => Ok(None),
        Answer::Wait(time) => Ok(Some(time)),
        Answer::Error(error) => Err(error.into()),
        Answer::Redirect { .. } | Answer::AuthMore(_) => Err(invalid("an unexpected response to a write")),
    }
}
