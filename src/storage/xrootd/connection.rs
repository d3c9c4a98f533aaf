//! A connection with many requests under way. One task writes the requests, one reads the responses and gives each to
//! its request by the stream id; they may come in any order and in pieces.

use std::time::Duration;

use bytes::BytesMut;
use tokio::io::AsyncWriteExt;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use super::frame::{FrameReader, invalid};
use super::pending::{Answer, Limit, Requests};
use super::wire::{Header, Request, Status, number, text};
use crate::storage::{Result, StorageError, StorageErrorKind};

/// Action code of a response that was announced by `Status::Deferred`, in an attention message; and the bytes between
/// it and the response.
const LATE_RESPONSE: i32 = 5008;
const LATE_PADDING: usize = 4;

/// A connection after the login. Ends on drop.
#[derive(Debug)]
pub(super) struct Connection {
    requests: Requests,
    writer: mpsc::UnboundedSender<Vec<u8>>,
    tasks: [JoinHandle<()>; 2],
}

/// A request under way. Dropping it ignores the response.
#[derive(Debug)]
pub(super) struct Pending {
    requests: Requests,
    stream: u16,
    reply: oneshot::Receiver<Result<Answer>>,
}

impl Connection {
    /// Starts the tasks. The connection is given up if nothing arrives for as long as `silence` while a response is
    /// expected.
    pub(super) fn start(reader: FrameReader, stream: OwnedWriteHalf, silence: Duration) -> Self {
        let requests = Requests::new(silence);
        let (writer, queue) = mpsc::unbounded_channel();
        let writing = tokio::spawn(write(stream, queue, requests.clone()));
        let reading = tokio::spawn(read(reader, requests.clone(), writer.downgrade()));
        Self { requests, writer, tasks: [writing, reading] }
    }

    /// Sends a request. A response longer than the limit ends the connection.
    pub(super) fn send(&self, request: &Request<'_>, limit: Limit) -> Pending {
        let (sender, reply) = oneshot::channel();
        let stream = self.requests.add(sender, limit);
        if let Some(stream) = stream {
            // If the writer has ended, the request already has the error.
            let _ = self.writer.send(request.encode(stream));
        }
        Pending { requests: self.requests.clone(), stream: stream.unwrap_or_default(), reply }
    }

    /// Returns whether the connection can be used.
    pub(super) fn is_alive(&self) -> bool {
        self.requests.is_alive()
    }

    /// Returns whether all responses with bytes of a file have arrived.
    pub(super) fn is_quiet(&self) -> bool {
        self.requests.is_quiet()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
        self.requests.end(&StorageError::new(StorageErrorKind::Transient, "the session was closed"));
    }
}

impl Pending {
    /// Waits for the response. Errors: the connection ended, or nothing arrived in time.
    pub(super) async fn answer(&mut self) -> Result<Answer> {
        loop {
            let due = self.requests.due(self.stream);
            match timeout_at(due, &mut self.reply).await {
                Ok(Ok(answer)) => return answer,
                Ok(Err(_)) => return Err(invalid("no response")),
                Err(_) if self.requests.due(self.stream) <= Instant::now() => {
                    return Err(self.requests.time_out(self.stream));
                }
                // Bytes have arrived meanwhile.
                Err(_) => {}
            }
        }
    }
}

async fn write(mut stream: OwnedWriteHalf, mut queue: mpsc::UnboundedReceiver<Vec<u8>>, requests: Requests) {
    while let Some(mut bytes) = queue.recv().await {
        while let Ok(more) = queue.try_recv() {
            bytes.extend(more);
        }
        if let Err(error) = stream.write_all(&bytes).await {
            requests.end(&super::frame::cut(&error));
            return;
        }
    }
}

async fn read(mut frames: FrameReader, requests: Requests, writer: mpsc::WeakUnboundedSender<Vec<u8>>) {
    loop {
        match read_one(&mut frames, &requests).await {
            Ok(None) => {}
            // Not used by any reader, so it has to be closed here.
            Ok(Some(handle)) => {
                let (sender, _) = oneshot::channel();
                let stream = requests.add(sender, Limit::Text);
                if let (Some(stream), Some(writer)) = (stream, writer.upgrade()) {
                    let _ = writer.send(Request::Close { handle }.encode(stream));
                }
            }
            Err(error) => return requests.end(&error),
        }
    }
}

/// Reads one frame. Returns the handle of a file whose open request was dropped. Errors: the connection is unusable.
async fn read_one(frames: &mut FrameReader, requests: &Requests) -> Result<Option<super::wire::Handle>> {
    let header = frames.header().await?;
    requests.mark_progress(header.stream);
    if !matches!(header.status, Status::Ok | Status::Partial) {
        let body = frames.text(header.length).await?;
        return if header.status == Status::Attention {
            attention(&body, requests)
        } else {
            settle(header, body, requests)
        };
    }
    let mut body = requests.take_body(header.stream, header.length)?;
    frames.append(header.length, &mut body, || requests.mark_progress(header.stream)).await?;
    if header.status == Status::Partial {
        requests.put_body_back(header.stream, body);
        return Ok(None);
    }
    requests.deliver(header.stream, Answer::Ok(body.freeze()))
}

/// Handles a message that is not a response, but may contain one.
fn attention(message: &[u8], requests: &Requests) -> Result<Option<super::wire::Handle>> {
    let Some((LATE_RESPONSE, rest)) = number(message) else {
        tracing::debug!("message of a storage: {}", text(message.get(4..).unwrap_or_default()));
        return Ok(None);
    };
    let header = rest.get(LATE_PADDING..).and_then(|rest| rest.split_first_chunk());
    let (header, body) = header.ok_or_else(|| invalid("a late response without a header"))?;
    let header = Header::parse(*header).filter(|header| header.length == body.len());
    let header = header.ok_or_else(|| invalid("a late response of the wrong length"))?;
    let body = match header.status {
        Status::Ok => {
            let mut gathered = requests.take_body(header.stream, body.len())?;
            gathered.extend_from_slice(body);
            gathered
        }
        Status::Partial | Status::Attention => return Err(invalid("a late response in pieces")),
        _ => BytesMut::from(body),
    };
    settle(header, body, requests)
}

/// Gives a complete response to its request.
fn settle(header: Header, body: BytesMut, requests: &Requests) -> Result<Option<super::wire::Handle>> {
    if header.status == Status::Deferred {
        let (seconds, _) = number(&body).ok_or_else(|| invalid("a wait without a time"))?;
        requests.defer(header.stream, Duration::from_secs(seconds.unsigned_abs().into()))?;
        return Ok(None);
    }
    let answer = Answer::parse(header.status, body.freeze()).ok_or_else(|| invalid("a response without its number"))?;
    requests.deliver(header.stream, answer)
}
