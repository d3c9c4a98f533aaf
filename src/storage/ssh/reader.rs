//! A file that is being read over SFTP: many questions under way at a time, so that a long way costs no speed.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use super::packet::Ask;
use super::pool::Lease;
use crate::storage::{Kind, Result, StorageError};

/// How many bytes one question is for; servers need give no more.
const PIECE: u32 = 32 * 1024;
/// How many questions are under way.
const AHEAD: usize = 64;

/// A file from some place on.
pub(super) struct Reader {
    session: Lease,
    handle: Bytes,
    /// Where the next question begins.
    next: u64,
    /// Where the file ends; none if the server does not tell.
    end: Option<u64>,
    asked: VecDeque<Piece>,
    ended: bool,
}

/// A part of the file that has been asked for, as far as it has come.
struct Piece {
    id: u32,
    offset: u64,
    wanted: usize,
    data: BytesMut,
    /// There is nothing more.
    last: bool,
}

impl Reader {
    pub(super) fn new(session: Lease, handle: Bytes, start: u64, end: Option<u64>) -> Self {
        Self { session, handle, next: start, end, asked: VecDeque::new(), ended: false }
    }

    /// The next bytes; none at the end, where the session is handed back.
    pub(super) async fn next(mut self) -> Result<Option<(Bytes, Self)>> {
        self.ask().await?;
        loop {
            match self.asked.front() {
                None => return self.finish().await,
                Some(piece) if piece.last || piece.data.len() == piece.wanted => break,
                Some(_) => self.take().await?,
            }
        }
        let Some(piece) = self.asked.pop_front() else { return Ok(None) };
        match (piece.data.is_empty(), self.end) {
            (true, None) => self.finish().await,
            _ if piece.last && self.end.is_some() => Err(short()),
            _ => Ok(Some((piece.data.freeze(), self))),
        }
    }

    /// Asks for more, as long as there is more.
    async fn ask(&mut self) -> Result<()> {
        while self.asked.len() < AHEAD && !self.ended && self.end.is_none_or(|end| self.next < end) {
            let left = self.end.map_or(u64::from(PIECE), |end| end - self.next);
            let length = left.min(u64::from(PIECE)) as u32;
            let id = self.session.ask(Ask::Read { handle: &self.handle, offset: self.next, length });
            let piece = Piece { id, offset: self.next, wanted: length as usize, data: BytesMut::new(), last: false };
            self.asked.push_back(piece);
            self.next += u64::from(length);
        }
        self.session.send().await
    }

    /// Takes an answer in. A server may give less than was asked for; then the rest is asked for.
    async fn take(&mut self) -> Result<()> {
        let (id, answer) = self.session.answer().await?;
        let data = answer.data()?;
        let Some(piece) = self.asked.iter_mut().find(|piece| piece.id == id) else {
            return Err(StorageError::new(Kind::Refused, "sftp: an answer to no question"));
        };
        let Some(data) = data else {
            (piece.last, self.ended) = (true, true);
            return Ok(());
        };
        piece.data.extend_from_slice(&data);
        let missing = piece.wanted.checked_sub(piece.data.len());
        let missing = missing.ok_or_else(|| StorageError::new(Kind::Refused, "sftp: more than was asked for"))?;
        if missing > 0 {
            let offset = piece.offset + piece.data.len() as u64;
            piece.id = self.session.ask(Ask::Read { handle: &self.handle, offset, length: missing as u32 });
            self.session.send().await?;
        }
        Ok(())
    }

    /// Everything has come; what was asked for beyond the end is waited for, and the session is of use to others.
    async fn finish(mut self) -> Result<Option<(Bytes, Self)>> {
        for _ in 0..self.asked.iter().filter(|piece| !piece.last).count() {
            self.session.answer().await?;
        }
        if self.session.close(&self.handle).await.is_ok() {
            self.session.hand_back();
        }
        Ok(None)
    }
}

fn short() -> StorageError {
    StorageError::new(Kind::Transient, "sftp: the file ended early; it is changing")
}
