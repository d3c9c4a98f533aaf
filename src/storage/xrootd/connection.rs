//! A connection with many requests under way. One task writes the requests, one reads the responses and gives each to
//! its request by the stream id; they may come in any order and in pieces.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::AsyncWriteExt;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use super::dialog::Outgoing;
use super::frame::{FrameReader, invalid};
use super::pending::{Answer, Limit, Requests};
use super::sign::Signer;
use super::wire::{Header, Request, Status, number, text};
use crate::storage::{Result, StorageError, StorageErrorKind};

/// Action code of a response that was announced by `Status::Deferred`, in an attention message; and the bytes between
/// it and the response.
const LATE_RESPONSE: i32 = 5008;
const LATE_PADDING: usize = 4;
/// Requests are written together until they have this many bytes: more would only be copied.
const BATCH: usize = 64 * 1024;

/// A connection after the login. Ends on drop.
#[derive(Debug)]
pub(super) struct Connection {
    requests: Requests,
    outbox: Outbox,
    tasks: [JoinHandle<()>; 2],
}

/// Where requests are passed to the task that writes them.
#[derive(Debug, Clone)]
struct Outbox {
    queue: mpsc::UnboundedSender<Vec<u8>>,
    signer: Option<Arc<Signer>>,
}

/// The same, for the task that reads: it does not keep the connection open.
struct WeakOutbox(mpsc::WeakUnboundedSender<Vec<u8>>, Option<Arc<Signer>>);

impl Outbox {
    /// Sends a request. If the writer has ended, the request already has the error.
    fn send(&self, request: &Request<'_>, stream: u16) {
        let frame = request.encode(stream);
        let pass = |frame| _ = self.queue.send(frame);
        match &self.signer {
            Some(signer) => signer.sign(request, frame, pass),
            None => pass(frame),
        }
    }

    fn downgrade(&self) -> WeakOutbox {
        WeakOutbox(self.queue.downgrade(), self.signer.clone())
    }
}

impl WeakOutbox {
    fn upgrade(&self) -> Option<Outbox> {
        Some(Outbox { queue: self.0.upgrade()?, signer: self.1.clone() })
    }
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
    pub(super) fn start(
        reader: FrameReader<'static>,
        stream: Outgoing<'static>,
        signer: Option<Signer>,
        silence: Duration,
    ) -> Self {
        let requests = Requests::new(silence);
        let (queue, queued) = mpsc::unbounded_channel();
        let outbox = Outbox { queue, signer: signer.map(Arc::new) };
        let writing = tokio::spawn(write(stream, queued, requests.clone()));
        let reading = tokio::spawn(read(reader, requests.clone(), outbox.downgrade()));
        Self { requests, outbox, tasks: [writing, reading] }
    }

    /// Sends a request. A response longer than the limit ends the connection.
    pub(super) fn send(&self, request: &Request<'_>, limit: Limit) -> Pending {
        let (sender, reply) = oneshot::channel();
        let stream = self.requests.add(sender, limit);
        if let Some(stream) = stream {
            self.outbox.send(request, stream);
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

async fn write(mut stream: Outgoing<'static>, mut queue: mpsc::UnboundedReceiver<Vec<u8>>, requests: Requests) {
    while let Some(mut bytes) = queue.recv().await {
        while bytes.len() < BATCH
            && let Ok(more) = queue.try_recv()
        {
            bytes.extend(more);
        }
        let written = async {
            stream.write_all(&bytes).await?;
            // TLS keeps bytes until then.
            stream.flush().await
        };
        if let Err(error) = written.await {
            requests.end(&super::frame::cut(&error));
            return;
        }
    }
}

async fn read(mut frames: FrameReader<'static>, requests: Requests, outbox: WeakOutbox) {
    loop {
        match read_one(&mut frames, &requests).await {
            Ok(None) => {}
            // Not used by any reader, so it has to be closed here.
            Ok(Some(handle)) => {
                let (sender, _) = oneshot::channel();
                let stream = requests.add(sender, Limit::Text);
                if let (Some(stream), Some(outbox)) = (stream, outbox.upgrade()) {
                    outbox.send(&Request::Close { handle }, stream);
                }
            }
            Err(error) => return requests.end(&error),
        }
    }
}

/// Reads one frame. Returns the handle of a file whose open request was dropped. Errors: the connection is unusable.
async fn read_one(frames: &mut FrameReader<'static>, requests: &Requests) -> Result<Option<super::wire::Handle>> {
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
