//! The requests of a connection that wait for their response, by stream id.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::frame::{MAX_TEXT, invalid};
use super::status::ServerError;
use super::wire::{Handle, Status, number, text};
use crate::lock::lock;
use crate::storage::{Result, StorageError, StorageErrorKind};

/// Maximum number of pieces of a response, which may be empty. Chosen: servers send pieces of 2 MiB.
const MAX_PIECES: u32 = 4096;
/// Maximum silence: no limit is asked for by a time that cannot be added to the clock.
const MAX_SILENCE: Duration = Duration::from_secs(7 * 24 * 3600);
/// Maximum time that a response may be deferred, whatever the server says.
const MAX_DEFERRED: Duration = Duration::from_secs(1800);
/// A request without a byte of its own is given up after this multiple of the connection's silence.
const OWN_SILENCE: u32 = 5;

/// Response to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    Ok(Bytes),
    Error(ServerError),
    /// Ask this host, or URL if the port is negative.
    Redirect {
        port: i32,
        text: String,
    },
    /// Ask again after this time.
    Wait(Duration),
    /// The server's turn of the authentication.
    AuthMore(Bytes),
}

impl Answer {
    /// Parses a complete response; `None` if it is too short, or none.
    pub(super) fn parse(status: Status, body: Bytes) -> Option<Self> {
        let parts = || number(&body).map(|(number, rest)| (number, text(rest).into_owned()));
        Some(match status {
            Status::Ok => Self::Ok(body),
            Status::AuthMore => Self::AuthMore(body),
            Status::Error => parts().map(|(code, text)| Self::Error(ServerError::new(code, &text)))?,
            Status::Redirect => parts().map(|(port, text)| Self::Redirect { port, text })?,
            Status::Wait => Self::Wait(Duration::from_secs(number(&body)?.0.max(0).unsigned_abs().into())),
            Status::Partial | Status::Attention | Status::Deferred => return None,
        })
    }
}

/// What the response to a request may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limit {
    /// A short text, or nothing.
    Text,
    /// The handle of a file and a short text.
    Handle,
    /// This many bytes of a file.
    Bytes(usize),
}

impl Limit {
    fn bytes(self) -> usize {
        match self {
            Self::Text | Self::Handle => MAX_TEXT,
            Self::Bytes(bytes) => bytes,
        }
    }
}

/// The requests that wait. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct Requests {
    table: Arc<Mutex<Table>>,
    silence: Duration,
}

#[derive(Debug)]
struct Table {
    /// Also requests that were dropped: their id is used again only after the response.
    slots: HashMap<u16, Slot>,
    last_id: u16,
    /// Time of the last received bytes.
    last_received: Instant,
    /// Why the connection ended.
    end: Option<StorageError>,
}

#[derive(Debug)]
struct Slot {
    reply: oneshot::Sender<Result<Answer>>,
    limit: Limit,
    /// The pieces so far.
    body: BytesMut,
    pieces: u32,
    /// Time of the request, or of the last bytes of its response; in the future if the response is deferred.
    touched: Instant,
}

impl Requests {
    pub(super) fn new(silence: Duration) -> Self {
        let table = Table { slots: HashMap::new(), last_id: 0, last_received: Instant::now(), end: None };
        Self { table: Arc::new(Mutex::new(table)), silence: silence.min(MAX_SILENCE) }
    }

    /// Adds a request; returns its stream id. `None` if the connection has ended: then it has got the reason.
    pub(super) fn add(&self, reply: oneshot::Sender<Result<Answer>>, limit: Limit) -> Option<u16> {
        let mut table = lock(&self.table);
        let end = table.end.clone();
        let end = end.or_else(|| (table.slots.len() >= usize::from(u16::MAX)).then(|| invalid("no responses")));
        if let Some(error) = end {
            // Its sender may have been dropped.
            let _ = reply.send(Err(error));
            return None;
        }
        let stream = loop {
            table.last_id = table.last_id.wrapping_add(1);
            if !table.slots.contains_key(&table.last_id) {
                break table.last_id;
            }
        };
        let slot = Slot { reply, limit, body: BytesMut::new(), pieces: 0, touched: Instant::now() };
        table.slots.insert(stream, slot);
        Some(stream)
    }

    pub(super) fn is_alive(&self) -> bool {
        lock(&self.table).end.is_none()
    }

    pub(super) fn is_quiet(&self) -> bool {
        !lock(&self.table).slots.values().any(|slot| matches!(slot.limit, Limit::Bytes(_)))
    }

    /// Ends the connection: all requests get the error.
    pub(super) fn end(&self, error: &StorageError) {
        let mut table = lock(&self.table);
        let error = table.end.get_or_insert_with(|| error.clone()).clone();
        for (_, slot) in table.slots.drain() {
            let _ = slot.reply.send(Err(error.clone()));
        }
    }

    /// Records that bytes have arrived for this request.
    pub(super) fn mark_progress(&self, stream: u16) {
        let (mut table, now) = (lock(&self.table), Instant::now());
        table.last_received = now;
        if let Some(slot) = table.slots.get_mut(&stream) {
            slot.touched = slot.touched.max(now);
        }
    }

    /// Takes the pieces of a response so far, for this many more bytes. Errors: more than was asked for.
    pub(super) fn take_body(&self, stream: u16, length: usize) -> Result<BytesMut> {
        let mut table = lock(&self.table);
        let slot = table.slots.get_mut(&stream).ok_or_else(unasked)?;
        slot.pieces += 1;
        if length > slot.limit.bytes().saturating_sub(slot.body.len()) || slot.pieces > MAX_PIECES {
            return Err(invalid("a longer response than was asked for"));
        }
        Ok(std::mem::take(&mut slot.body))
    }

    pub(super) fn put_body_back(&self, stream: u16, body: BytesMut) {
        if let Some(slot) = lock(&self.table).slots.get_mut(&stream) {
            slot.body = body;
        }
    }

    /// Records that the response comes later.
    pub(super) fn defer(&self, stream: u16, time: Duration) -> Result<()> {
        let mut table = lock(&self.table);
        let slot = table.slots.get_mut(&stream).ok_or_else(unasked)?;
        slot.touched = Instant::now() + time.min(MAX_DEFERRED);
        Ok(())
    }

    /// Passes the response to its request. Returns the handle of an opened file if the request was dropped meanwhile.
    pub(super) fn deliver(&self, stream: u16, answer: Answer) -> Result<Option<Handle>> {
        let slot = lock(&self.table).slots.remove(&stream).ok_or_else(unasked)?;
        match (slot.reply.send(Ok(answer)), slot.limit) {
            (Err(Ok(Answer::Ok(body))), Limit::Handle) => Ok(body.first_chunk().copied()),
            _ => Ok(None),
        }
    }

    /// Returns when a request has to be given up: nothing arrives at all, or nothing of its own.
    pub(super) fn due(&self, stream: u16) -> Instant {
        let table = lock(&self.table);
        let touched = table.slots.get(&stream).map_or(table.last_received, |slot| slot.touched);
        let all = touched.max(table.last_received) + self.silence;
        all.min(touched + self.silence * OWN_SILENCE)
    }

    /// Returns the error for a request that was given up. If nothing arrives at all, the connection ends.
    pub(super) fn time_out(&self, stream: u16) -> StorageError {
        let error = timed_out();
        let is_silent = lock(&self.table).last_received + self.silence <= Instant::now();
        if is_silent {
            self.end(&error);
        } else {
            tracing::debug!("no response to request {stream}");
        }
        error
    }
}

/// Returns the error of a server that sends nothing.
pub(super) fn timed_out() -> StorageError {
    StorageError::new(StorageErrorKind::TimedOut, "the storage did not answer in time")
}

/// Returns the error for a response to a request that was not sent.
fn unasked() -> StorageError {
    invalid("a response to no request")
}
