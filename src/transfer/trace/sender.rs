//! Sends traces: one per request to servers before Rucio 37, which refuse lists, and in lists to all others. The first
//! two traces go as a list, whose answer is always awaited: it shows which kind of server it is.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use reqwest::{Body, Method, Request, Response, StatusCode};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, timeout_at};
use url::Url;

use crate::http::{Connections, SendError};

/// Maximum number of traces per request: half a megabyte, which every proxy accepts.
const BATCH: usize = 1000;
/// Length of the list that shows whether the server accepts lists.
const FIRST_LIST: usize = 2;
/// Maximum time a trace waits to be batched. The server is busy with our listing meanwhile.
const BATCH_DELAY: Duration = Duration::from_secs(60);
/// Maximum number of traces waiting for a batch: about ten megabytes.
const MAX_BATCH_QUEUE: usize = 20_000;
/// Number of concurrent requests to a server that accepts single traces only.
const CONCURRENT_SINGLE_CALLS: usize = 8;
/// Timeout of a request. Chosen: long for a server that is busy, and nothing waits for it but the end of the program.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Size of a body chunk in bytes: small, since about sixteen chunks may be buffered outside of the kernel.
const BODY_CHUNK: usize = 2 * 1024;
/// Number of round trips after which buffered bytes are taken as sent.
const ROUND_TRIPS: u32 = 3;

/// The run has ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct RunEnd {
    /// Round-trip time of a short answer of the server, if known.
    pub(super) round_trip: Option<Duration>,
}

/// The request format that the server accepts.
#[derive(Debug, Clone, Copy)]
enum ListSupport {
    /// No list has been answered yet.
    Unknown,
    /// Lists; the first one was answered after this time.
    Lists(Duration),
    /// Single traces only.
    Single,
}

/// Outcome of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PostResult {
    Taken,
    Refused,
    /// Not received: the server could not be reached or is overloaded. Safe to send again.
    NotReached,
    /// The connection broke, or the request timed out. The server has most probably counted the traces; sent again,
    /// they would count twice, which is worse than a few missing ones, as it cannot be detected later.
    Lost,
}

/// Sends the traces of a run to one server.
#[derive(Debug)]
pub(super) struct Sender {
    connections: Connections,
    url: String,
    end: watch::Receiver<Option<RunEnd>>,
    takes: ListSupport,
    pending: Vec<String>,
}

impl Sender {
    /// Creates a sender to this URL. `end` changes when the run has ended.
    pub(super) fn new(connections: Connections, url: String, end: watch::Receiver<Option<RunEnd>>) -> Self {
        Self { connections, url, end, takes: ListSupport::Unknown, pending: Vec::new() }
    }

    /// Sends traces until the channel is closed.
    pub(super) async fn run(mut self, mut traces: mpsc::Receiver<String>) {
        let mut was_reached = true;
        while self.collect(&mut traces, was_reached).await {
            was_reached = self.send().await;
        }
        let mut before = usize::MAX;
        while !self.pending.is_empty() && self.pending.len() < before {
            before = self.pending.len();
            self.send().await;
        }
        if !self.pending.is_empty() {
            tracing::debug!("{} traces are lost: the trace server cannot be reached", self.pending.len());
        }
    }

    /// Collects traces until there are enough to send or the first has waited for [`BATCH_DELAY`]. Returns false at the
    /// end.
    async fn collect(&mut self, traces: &mut mpsc::Receiver<String>, was_reached: bool) -> bool {
        if self.pending.is_empty() {
            match traces.recv().await {
                Some(first) => self.pending.push(first),
                None => return false,
            }
        }
        let enough = match self.takes {
            ListSupport::Unknown if was_reached => FIRST_LIST,
            ListSupport::Single if was_reached => 1,
            _ => MAX_BATCH_QUEUE,
        };
        let deadline = Instant::now() + BATCH_DELAY;
        while self.pending.len() < enough {
            let room = MAX_BATCH_QUEUE - self.pending.len();
            match timeout_at(deadline, traces.recv_many(&mut self.pending, room)).await {
                Ok(0) => return false,
                Ok(_) => {}
                Err(_) => break,
            }
        }
        true
    }

    /// Sends the pending traces, or a first list of them. Those that did not reach the server stay pending. Returns
    /// whether the server was reached.
    async fn send(&mut self) -> bool {
        let was_reached = match self.takes {
            ListSupport::Unknown if self.pending.len() > 1 => self.send_first_list().await,
            ListSupport::Lists(answer) => self.send_lists(answer).await,
            ListSupport::Unknown | ListSupport::Single => {
                let traces = std::mem::take(&mut self.pending);
                self.send_one_by_one(traces).await;
                self.pending.is_empty()
            }
        };
        if !was_reached && self.pending.len() >= MAX_BATCH_QUEUE {
            tracing::debug!("{} traces are dropped: the trace server cannot be reached", self.pending.len());
            self.pending.clear();
        }
        was_reached
    }

    /// Sends two traces as a list, to detect whether the server accepts lists. A refused list is sent one by one.
    async fn send_first_list(&mut self) -> bool {
        let asked = Instant::now();
        let posted = self.post(list(&self.pending[..FIRST_LIST])).await;
        match posted {
            PostResult::Taken => self.takes = ListSupport::Lists(asked.elapsed()),
            PostResult::Refused => {
                tracing::debug!("the trace server takes one trace at a time");
                self.takes = ListSupport::Single;
                return true;
            }
            PostResult::NotReached => return false,
            PostResult::Lost => {}
        }
        self.pending.drain(..FIRST_LIST);
        posted == PostResult::Taken
    }

    async fn send_lists(&mut self, answer: Duration) -> bool {
        let traces = std::mem::take(&mut self.pending);
        let batches: Vec<_> = traces.chunks(BATCH).collect();
        let posted = join_all(batches.iter().map(|batch| self.hand_over(list(batch), answer))).await;
        for (batch, posted) in batches.into_iter().zip(posted) {
            match posted {
                // One refused trace must not cost the others of its list.
                PostResult::Refused if batch.len() > 1 => self.send_one_by_one(batch.to_vec()).await,
                PostResult::NotReached => self.pending.extend_from_slice(batch),
                _ => {}
            }
        }
        self.pending.is_empty()
    }

    async fn send_one_by_one(&mut self, traces: Vec<String>) {
        let this = &*self;
        let post =
            |trace: String| async move { (this.post(trace.clone()).await == PostResult::NotReached).then_some(trace) };
        let posts = stream::iter(traces).map(post).buffer_unordered(CONCURRENT_SINGLE_CALLS);
        let again: Vec<_> = posts.filter_map(|again| async { again }).collect().await;
        self.pending.extend(again);
    }

    async fn request(&self, length: usize, body: Body) -> Result<Response, SendError> {
        let url = Url::parse(&self.url).map_err(SendError::unsendable)?;
        let mut request = Request::new(Method::POST, url);
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request.headers_mut().insert(CONTENT_LENGTH, length.into());
        *request.timeout_mut() = Some(TIMEOUT);
        *request.body_mut() = Some(body);
        self.connections.send(request).await
    }

    /// Sends a body and waits for the answer.
    async fn post(&self, body: String) -> PostResult {
        post_result(self.request(body.len(), body.into()).await)
    }

    /// Sends a list, and waits for the answer until the run ends. After that, waiting would cost 8 ms for each trace;
    /// it is enough that the server has received all bytes.
    async fn hand_over(&self, body: String, answer: Duration) -> PostResult {
        let (length, (body, handed_over)) = (body.len(), in_chunks(body));
        let request = self.request(length, body);
        let left = async {
            if handed_over.await.is_err() {
                // The request was dropped; its answer has the reason.
                std::future::pending::<()>().await;
            }
            let end = self.end.clone().wait_for(Option::is_some).await.ok().and_then(|end| *end);
            let round_trip = end.and_then(|end| end.round_trip);
            sleep(round_trip.map_or(answer, |time| answer.min(ROUND_TRIPS * time))).await;
        };
        tokio::select! {
            biased;
            answer = request => post_result(answer),
            () = left => PostResult::Taken,
        }
    }
}

/// Formats one trace as an object, several as a list.
fn list(traces: &[String]) -> String {
    match traces {
        [one] => one.clone(),
        several => format!("[{}]", several.join(",")),
    }
}

/// Splits a body into chunks. The receiver resolves when the last chunk has been taken.
fn in_chunks(body: String) -> (Body, oneshot::Receiver<()>) {
    let (ticket, handed_over) = oneshot::channel();
    let pieces = stream::unfold((Bytes::from(body), Some(ticket)), |(mut rest, mut ticket)| async move {
        let piece = rest.split_to(BODY_CHUNK.min(rest.len()));
        if rest.is_empty() {
            ticket.take().map(|ticket| ticket.send(()));
        }
        (!piece.is_empty()).then_some((Ok::<_, Infallible>(piece), (rest, ticket)))
    });
    (Body::wrap_stream(pieces), handed_over)
}

fn post_result(answer: Result<Response, SendError>) -> PostResult {
    match answer.map(|answer| answer.status()) {
        Ok(status) if status.is_success() => PostResult::Taken,
        Ok(status) => {
            tracing::debug!("the trace server answered {status}");
            match status {
                StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => PostResult::NotReached,
                _ => PostResult::Refused,
            }
        }
        Err(error) => {
            tracing::debug!("the trace server could not be reached: {error}");
            if error.is_connect() { PostResult::NotReached } else { PostResult::Lost }
        }
    }
}
