//! Reads a file over SFTP with many requests in flight, so that latency does not limit the speed.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use super::packet::SftpRequest;
use super::pool::Lease;
use crate::storage::{Result, StorageError, StorageErrorKind};

/// Number of bytes per request; servers need not support more.
const READ_SIZE: u32 = 32 * 1024;
/// Maximum number of requests in flight.
const AHEAD: usize = 64;

/// A file being read from an offset on.
pub(super) struct SftpReader {
    session: Lease,
    handle: Bytes,
    /// Offset of the next request.
    next: u64,
    /// Size of the file; `None` if the server does not report it.
    end: Option<u64>,
    pending: VecDeque<PendingRead>,
    ended: bool,
}

/// A requested byte range and the data received for it.
struct PendingRead {
    id: u32,
    offset: u64,
    wanted: usize,
    data: BytesMut,
    /// The end of the file was reached.
    last: bool,
}

impl SftpReader {
    pub(super) fn new(session: Lease, handle: Bytes, start: u64, end: Option<u64>) -> Self {
        Self { session, handle, next: start, end, pending: VecDeque::new(), ended: false }
    }

    /// Returns the next bytes; `None` at the end, when the session is returned to the pool.
    pub(super) async fn next(mut self) -> Result<Option<(Bytes, Self)>> {
        self.queue_request().await?;
        loop {
            match self.pending.front() {
                None => return self.finish().await,
                Some(read) if read.last || read.data.len() == read.wanted => break,
                Some(_) => self.take().await?,
            }
        }
        let Some(read) = self.pending.pop_front() else { return Ok(None) };
        match (read.data.is_empty(), self.end) {
            (true, None) => self.finish().await,
            _ if read.last && self.end.is_some() => Err(short()),
            _ => Ok(Some((read.data.freeze(), self))),
        }
    }

    /// Sends further requests, up to the limit and the end of the file.
    async fn queue_request(&mut self) -> Result<()> {
        while self.pending.len() < AHEAD && !self.ended && self.end.is_none_or(|end| self.next < end) {
            let left = self.end.map_or(u64::from(READ_SIZE), |end| end - self.next);
            let length = left.min(u64::from(READ_SIZE)) as u32;
            let id = self.session.queue_request(SftpRequest::Read { handle: &self.handle, offset: self.next, length });
            let read =
                PendingRead { id, offset: self.next, wanted: length as usize, data: BytesMut::new(), last: false };
            self.pending.push_back(read);
            self.next += u64::from(length);
        }
        self.session.send().await
    }

    /// Receives a response. Requests the remaining bytes if the server returned fewer than requested.
    async fn take(&mut self) -> Result<()> {
        let (id, answer) = self.session.next_response().await?;
        let data = answer.data()?;
        let Some(read) = self.pending.iter_mut().find(|read| read.id == id) else {
            return Err(StorageError::new(StorageErrorKind::Refused, "sftp: an answer to no question"));
        };
        let Some(data) = data else {
            (read.last, self.ended) = (true, true);
            return Ok(());
        };
        read.data.extend_from_slice(&data);
        let missing = read.wanted.checked_sub(read.data.len());
        let missing =
            missing.ok_or_else(|| StorageError::new(StorageErrorKind::Refused, "sftp: more bytes than requested"))?;
        if missing > 0 {
            let offset = read.offset + read.data.len() as u64;
            read.id =
                self.session.queue_request(SftpRequest::Read { handle: &self.handle, offset, length: missing as u32 });
            self.session.send().await?;
        }
        Ok(())
    }

    /// Receives pending responses to requests beyond the end, closes the file and returns the session to the pool.
    async fn finish(mut self) -> Result<Option<(Bytes, Self)>> {
        for _ in 0..self.pending.iter().filter(|read| !read.last).count() {
            self.session.next_response().await?;
        }
        // All data has arrived: the result of closing does not matter.
        let _ = self.session.close(&self.handle).await;
        self.session.finish(Ok(None))
    }
}

fn short() -> StorageError {
    StorageError::new(StorageErrorKind::Transient, "sftp: the file ended early; it is changing")
}

#[cfg(test)]
mod tests {
    use bytes::{Buf, BufMut};
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

    use super::super::pool::SessionPool;
    use super::super::session::Session;
    use super::*;

    /// Behaviour of the test server.
    #[derive(Clone, Copy, PartialEq)]
    enum Manner {
        Whole,
        /// Returns at most 10 000 bytes per response.
        Short,
        /// Answers queued requests in reverse order.
        Backwards,
        /// Returns more bytes than requested.
        Long,
        /// Responds with unknown request ids.
        Astray,
    }

    /// Reads the next request: type, id and the rest of the packet.
    async fn question(stream: &mut DuplexStream) -> Option<(u8, u32, Bytes)> {
        let length = stream.read_u32().await.ok()?;
        let mut packet = BytesMut::zeroed(length as usize);
        stream.read_exact(&mut packet).await.ok()?;
        let mut packet = packet.freeze();
        Some((packet.get_u8(), packet.get_u32(), packet))
    }

    fn reply(file: &[u8], (kind, id, mut rest): (u8, u32, Bytes), manner: Manner) -> BytesMut {
        let mut body = BytesMut::new();
        let handle = rest.get_u32() as usize;
        rest.advance(handle);
        let id = if manner == Manner::Astray { id + 1000 } else { id };
        if kind == 5 {
            let (offset, length) = (rest.get_u64() as usize, rest.get_u32() as usize);
            let length = match manner {
                Manner::Short => length.min(10_000),
                Manner::Long => length + 1,
                _ => length,
            };
            let data = file.get(offset..(offset + length).min(file.len())).unwrap_or_default();
            if !data.is_empty() {
                body.put_u8(103);
                body.put_u32(id);
                body.put_u32(data.len() as u32);
                body.put_slice(data);
            }
        }
        if body.is_empty() {
            // End of file, or success of the close request.
            body.put_u8(101);
            body.put_u32(id);
            body.put_u32(u32::from(kind == 5));
        }
        let mut packet = BytesMut::new();
        packet.put_u32(body.len() as u32);
        packet.put_slice(&body);
        packet
    }

    async fn serve(mut stream: DuplexStream, file: Vec<u8>, manner: Manner) {
        while let Some(first) = question(&mut stream).await {
            let mut questions = vec![first];
            while manner == Manner::Backwards && questions[0].0 == 5 && questions.len() < AHEAD {
                let more = tokio::time::timeout(std::time::Duration::from_millis(20), question(&mut stream)).await;
                match more {
                    Ok(Some(next)) => questions.push(next),
                    _ => break,
                }
            }
            for question in questions.into_iter().rev() {
                if stream.write_all(&reply(&file, question, manner)).await.is_err() {
                    return;
                }
            }
        }
    }

    /// Reads a file of so many bytes, for which the server reported the size `reported`.
    async fn read(bytes: usize, reported: Option<u64>, start: u64, manner: Manner) -> Result<Vec<u8>> {
        let file: Vec<u8> = (0..bytes).map(|place| (place / 3) as u8).collect();
        let (ours, theirs) = tokio::io::duplex(1024 * 1024);
        tokio::spawn(serve(theirs, file, manner));
        let lease = SessionPool::default().lend_for_test(Session::with(ours));
        let mut reader = SftpReader::new(lease, Bytes::from_static(b"h"), start, reported);
        let mut found = Vec::new();
        while let Some((bytes, next)) = reader.next().await? {
            found.extend_from_slice(&bytes);
            reader = next;
        }
        Ok(found)
    }

    #[tokio::test]
    async fn sftp_bytes_come_in_order_whatever_the_order_of_responses() {
        for manner in [Manner::Whole, Manner::Short, Manner::Backwards] {
            for bytes in [0, 1, READ_SIZE as usize, 3 * READ_SIZE as usize + 7] {
                let expected: Vec<u8> = (0..bytes).map(|place| (place / 3) as u8).collect();
                assert!(read(bytes, Some(bytes as u64), 0, manner).await.unwrap() == expected, "{bytes}");
                assert!(read(bytes, None, 0, manner).await.unwrap() == expected, "{bytes}, size not reported");
            }
            let rest = read(100_000, Some(100_000), 60_000, manner).await.unwrap();
            assert!(rest == (60_000..100_000).map(|place| (place / 3) as u8).collect::<Vec<_>>());
        }
    }

    #[tokio::test]
    async fn sftp_file_that_shrinks_or_a_response_that_fits_no_request_is_an_error() {
        assert_eq!(read(50_000, Some(90_000), 0, Manner::Whole).await.unwrap_err().kind, StorageErrorKind::Transient);
        assert_eq!(read(90_000, Some(90_000), 0, Manner::Astray).await.unwrap_err().kind, StorageErrorKind::Refused);
        assert_eq!(read(90_000, Some(90_000), 0, Manner::Long).await.unwrap_err().kind, StorageErrorKind::Refused);
    }
}
